/** Pictures that cannot be read: told apart from defects, listed, and an error when there are no others. */
import { CupelError } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import type { PictureSource } from "../picture.ts";

export interface BrokenPicture {
  readonly index: number;
  readonly id: string;
  readonly reason: string;
}

/** True for a failure of the picture rather than of the program: the picture may be left out. */
export function isUnreadable(thrown: unknown): thrown is CupelError {
  return thrown instanceof CupelError && thrown.code === "PICTURES_UNREADABLE";
}

export function allUnreadable(source: PictureSource, broken: readonly BrokenPicture[]): CupelError {
  const first = broken[0];
  const example = first === undefined ? "" : ` The first: ${first.reason}`;
  return visionErrors.error(
    "PICTURES_UNREADABLE",
    `None of the ${source.length} pictures in ${source.location} can be read.${example}`,
    { details: { location: source.location, broken: broken.slice(0, 10) } },
  );
}
