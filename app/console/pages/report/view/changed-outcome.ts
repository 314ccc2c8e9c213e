/** What a changed prediction means: an image lost, an image gained, or wrong either way. */
import type { ChangedImage } from "@cupel/report";

export type Outcome = "lost" | "gained" | "wrong-either-way" | "unlabelled";

/** In the order a reader wants to see them. */
export const outcomes: readonly Outcome[] = ["lost", "gained", "wrong-either-way", "unlabelled"];

export const outcomeText: Readonly<Record<Outcome, string>> = {
  lost: "right → wrong",
  gained: "wrong → right",
  "wrong-either-way": "wrong both times",
  unlabelled: "changed, no label",
};

export function outcomeOf(image: ChangedImage): Outcome {
  if (image.label === null) return "unlabelled";
  if (image.original.prediction === image.label) return "lost";
  return image.compressed.prediction === image.label ? "gained" : "wrong-either-way";
}

/** Lost images first; within an outcome as the report has them. */
export function byOutcome(images: readonly ChangedImage[]): ChangedImage[] {
  return images.toSorted((a, b) => outcomes.indexOf(outcomeOf(a)) - outcomes.indexOf(outcomeOf(b)));
}

/** How many images had each outcome; outcomes that did not occur are left out. */
export function outcomeCounts(images: readonly ChangedImage[]): { outcome: Outcome; count: number }[] {
  return outcomes
    .map((outcome) => ({
      outcome,
      count: images.filter((image) => outcomeOf(image) === outcome).length,
    }))
    .filter(({ count }) => count > 0);
}
