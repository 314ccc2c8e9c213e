/**
 * What changed in the confusion matrix. With a thousand classes the matrix itself says nothing; the
 * few cells that differ, largest first, say all of it.
 */
import type { AccuracyComparison } from "@cupel/report";

export interface ConfusionChange {
  readonly label: string;
  readonly prediction: string;
  /** Whether the prediction is the label: more of these is better, more of the others is worse. */
  readonly right: boolean;
  readonly original: number;
  readonly compressed: number;
  /** compressed minus original, never zero. */
  readonly change: number;
}

/** Largest change first; among equals right predictions first, then by label. */
export function confusionChanges(accuracy: AccuracyComparison): ConfusionChange[] {
  return accuracy.confusion
    .filter((cell) => cell.compressed !== cell.original)
    .map((cell) => ({
      label: className(accuracy.classes, cell.label),
      prediction: className(accuracy.classes, cell.prediction),
      right: cell.label === cell.prediction,
      original: cell.original,
      compressed: cell.compressed,
      change: cell.compressed - cell.original,
    }))
    .sort(
      (a, b) =>
        Math.abs(b.change) - Math.abs(a.change) ||
        Number(b.right) - Number(a.right) ||
        a.label.localeCompare(b.label, "en", { numeric: true }),
    );
}

/** The name of a class, or its number where the model carries no names. */
export function className(classes: readonly string[] | undefined, index: number): string {
  return classes?.[index] ?? `class ${index}`;
}
