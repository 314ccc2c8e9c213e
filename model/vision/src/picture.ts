/**
 * What a picture is before it becomes a tensor, and what a source of pictures promises.
 *
 * A source knows its pictures by index 0..length-1 in an order that never changes, and reads one only
 * when asked: opening a source of a million files reads names, not pixels.
 */

/** An encoded file on disk: JPEG, PNG, WebP, TIFF, GIF (first frame) or AVIF. */
export interface PictureFile {
  readonly kind: "file";
  readonly path: string;
}

/** The bytes of such a file, as a client uploads them. */
export interface EncodedPicture {
  readonly kind: "encoded";
  readonly bytes: Uint8Array;
}

/** Eight-bit pixels, `[height, width, channels]`, channels interleaved: grey, or red green blue. */
export interface RawPicture {
  readonly kind: "raw";
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

export type Picture = PictureFile | EncodedPicture | RawPicture;

export type PictureSourceKind = "file" | "folder" | "csv" | "idx" | "cifar" | "synthetic";

export interface PictureSource {
  readonly kind: PictureSourceKind;
  /** Where the pictures come from, for messages and reports: a path or a description. */
  readonly location: string;
  readonly length: number;
  /** Class names by label; null when labels are bare numbers or absent. */
  readonly classes: readonly string[] | null;
  /** When true, `label` is a number for every picture; when false, null for every picture. */
  readonly labelled: boolean;
  /** A name unique within the source, such as the path relative to it. */
  id(index: number): string;
  label(index: number): number | null;
  picture(index: number): Promise<Picture>;
}
