/**
 * A source whose images are files: what the folder tree and the CSV of labels both come down to.
 */
import { isAbsolute, join } from "node:path";
import type { ImageSource, ImageSourceKind } from "../image.ts";

export interface ImageFiles {
  readonly kind: ImageSourceKind;
  readonly location: string;
  readonly root: string;
  /** Paths relative to `root`, or absolute ones, `/` between parts: the ids. */
  readonly files: readonly string[];
  /** One for each file, or null when unlabelled. */
  readonly labels: readonly number[] | null;
  readonly classes: readonly string[] | null;
  readonly remarks?: readonly string[] | undefined;
}

export function filesSource(found: ImageFiles): ImageSource {
  const { kind, location, root, files, labels, classes, remarks = [] } = found;
  return {
    kind,
    location,
    length: files.length,
    classes,
    labelled: labels !== null,
    id: (index) => files[index]!,
    label: (index) => labels?.[index] ?? null,
    image: async (index) => ({
      kind: "file",
      path: isAbsolute(files[index]!) ? files[index]! : join(root, files[index]!),
    }),
    skipped: [],
    remarks,
  };
}
