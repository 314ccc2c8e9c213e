/** What a changed answer means: a picture lost, a picture gained, or wrong either way. */
import type { ChangedPicture } from "@cupel/compress";

export type Outcome = "lost" | "gained" | "wrong-either-way" | "unlabelled";

/** In the order a reader wants to see them. */
export const outcomes: readonly Outcome[] = ["lost", "gained", "wrong-either-way", "unlabelled"];

export const outcomeText: Readonly<Record<Outcome, string>> = {
  lost: "right → wrong",
  gained: "wrong → right",
  "wrong-either-way": "wrong both times",
  unlabelled: "changed, no label",
};

export function outcomeOf(picture: ChangedPicture): Outcome {
  if (picture.label === null) return "unlabelled";
  if (picture.original.answer === picture.label) return "lost";
  return picture.compressed.answer === picture.label ? "gained" : "wrong-either-way";
}

/** Lost pictures first; within an outcome as the report has them. */
export function byOutcome(pictures: readonly ChangedPicture[]): ChangedPicture[] {
  return pictures.toSorted((a, b) => outcomes.indexOf(outcomeOf(a)) - outcomes.indexOf(outcomeOf(b)));
}

/** How many pictures had each outcome; outcomes that did not occur are left out. */
export function outcomeCounts(pictures: readonly ChangedPicture[]): { outcome: Outcome; count: number }[] {
  return outcomes
    .map((outcome) => ({
      outcome,
      count: pictures.filter((picture) => outcomeOf(picture) === outcome).length,
    }))
    .filter(({ count }) => count > 0);
}
