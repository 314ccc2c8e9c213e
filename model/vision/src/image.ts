/**
 * What an image is before it becomes a tensor, and what a source of images promises.
 *
 * A source addresses its images by index 0..length-1 in an order that never changes, and reads one only
 * when asked: opening a source of a million files reads names, not pixels.
 */

/** An encoded file on disk: JPEG, PNG, WebP, TIFF, GIF (first frame), BMP or AVIF, told by its content. */
export interface ImageFile {
  readonly kind: "file";
  readonly path: string;
}

/** The bytes of such a file, as a client uploads them. */
export interface EncodedImage {
  readonly kind: "encoded";
  readonly bytes: Uint8Array;
}

/** Eight-bit pixels, `[height, width, channels]`, channels interleaved: grey, or red green blue. */
export interface RawImage {
  readonly kind: "raw";
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

export type Image = ImageFile | EncodedImage | RawImage;

export type ImageSourceKind = "file" | "folder" | "csv" | "idx" | "cifar" | "synthetic";

/** Files of one kind that lie among the images and are not read. */
export interface SkippedFiles {
  /** Such as "HEIC image", "dangling link", "pipe", "hidden file" or ".txt file". */
  readonly kind: string;
  /** Looks like an image, by content or name: a person expects it to be read. */
  readonly isImage: boolean;
  readonly count: number;
  /** The first of them, relative to the source. */
  readonly examples: readonly string[];
}

export interface ImageSource {
  readonly kind: ImageSourceKind;
  /** Where the images come from, for messages and reports: a path or a description. */
  readonly location: string;
  readonly length: number;
  /** Class names by label; null when labels are bare numbers or absent. */
  readonly classes: readonly string[] | null;
  /** When true, `label` is a number for every image; when false, null for every image. */
  readonly labelled: boolean;
  /** A name unique within the source, such as the path relative to it. */
  id(index: number): string;
  label(index: number): number | null;
  image(index: number): Promise<Image>;
  /** What was found beside the images and is not read, by kind. Absent where nothing was. */
  readonly skipped?: readonly SkippedFiles[] | undefined;
  /** Sentences on what is odd about the source and should be said: an empty class, a row given twice. */
  readonly remarks?: readonly string[] | undefined;
}
