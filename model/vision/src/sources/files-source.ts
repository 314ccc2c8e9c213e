/**
 * A source whose images are files: what the folder tree and the CSV of labels both come down to.
 */
import { extname, join } from "node:path";
import type { ImageSource, ImageSourceKind } from "../image.ts";

/** What the decoder takes. Other files in a folder, such as a licence, are passed over. */
const IMAGE_EXTENSIONS: ReadonlySet<string> = new Set([
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

export function isImageName(name: string): boolean {
  return !name.startsWith(".") && IMAGE_EXTENSIONS.has(extname(name).toLowerCase());
}

export interface ImageFiles {
  readonly kind: ImageSourceKind;
  readonly location: string;
  readonly root: string;
  /** Paths relative to `root`, `/` between parts: the ids. */
  readonly files: readonly string[];
  /** One for each file, or null when unlabelled. */
  readonly labels: readonly number[] | null;
  readonly classes: readonly string[] | null;
}

export function filesSource({ kind, location, root, files, labels, classes }: ImageFiles): ImageSource {
  return {
    kind,
    location,
    length: files.length,
    classes,
    labelled: labels !== null,
    id: (index) => files[index]!,
    label: (index) => labels?.[index] ?? null,
    image: async (index) => ({ kind: "file", path: join(root, files[index]!) }),
  };
}
