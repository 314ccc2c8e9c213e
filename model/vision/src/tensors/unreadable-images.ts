/** Images that cannot be read: distinguished from defects, listed, and an error when no image can be read. */
import { CupelError } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";

export interface UnreadableImage {
  readonly index: number;
  readonly id: string;
  readonly reason: string;
}

/** True for a failure of the image rather than of the program: the image may be left out. */
export function isUnreadable(thrown: unknown): thrown is CupelError {
  return thrown instanceof CupelError && thrown.code === "IMAGES_UNREADABLE";
}

export function allUnreadable(source: ImageSource, unreadable: readonly UnreadableImage[]): CupelError {
  const first = unreadable[0];
  const example = first === undefined ? "" : ` The first: ${first.reason}`;
  return visionErrors.error(
    "IMAGES_UNREADABLE",
    `None of the ${source.length} images in ${source.location} can be read.${example}`,
    { details: { location: source.location, unreadable: unreadable.slice(0, 10) } },
  );
}

/**
 * Classes all of whose images are among the unreadable ones, by name or number, in the order of their labels.
 * @param ids of images that could not be read.
 */
export function unreadableClasses(source: ImageSource, ids: ReadonlySet<string>): readonly string[] {
  if (!source.labelled || ids.size === 0) return [];
  const readable = new Set<number>();
  const lost = new Set<number>();
  for (let i = 0; i < source.length; i++) {
    const label = source.label(i);
    if (label !== null) (ids.has(source.id(i)) ? lost : readable).add(label);
  }
  return [...lost]
    .filter((label) => !readable.has(label))
    .sort((a, b) => a - b)
    .map((label) => source.classes?.[label] ?? String(label));
}
