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
