/**
 * A source whose pictures are files: what the folder tree and the CSV of labels both come down to.
 */
import { extname, join } from "node:path";
import type { PictureSource, PictureSourceKind } from "../picture.ts";

/** What the decoder takes. Other files in a folder, such as a licence, are passed over. */
const PICTURE_EXTENSIONS: ReadonlySet<string> = new Set([
  ".jpg",
  ".jpeg",
  ".jpe",
  ".png",
  ".webp",
  ".tif",
  ".tiff",
  ".gif",
  ".avif",
]);

export function isPictureName(name: string): boolean {
  return !name.startsWith(".") && PICTURE_EXTENSIONS.has(extname(name).toLowerCase());
}

export interface PictureFiles {
  readonly kind: PictureSourceKind;
  readonly location: string;
  readonly root: string;
  /** Paths relative to `root`, `/` between parts: the ids. */
  readonly files: readonly string[];
  /** One for each file, or null when unlabelled. */
  readonly labels: readonly number[] | null;
  readonly classes: readonly string[] | null;
}

export function filesSource({ kind, location, root, files, labels, classes }: PictureFiles): PictureSource {
  return {
    kind,
    location,
    length: files.length,
    classes,
    labelled: labels !== null,
    id: (index) => files[index]!,
    label: (index) => labels?.[index] ?? null,
    picture: async (index) => ({ kind: "file", path: join(root, files[index]!) }),
  };
}
