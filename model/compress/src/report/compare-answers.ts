/** What two models answered to the same pictures, as the report tells it. Pure: no picture is read here. */
import { compareEvaluations } from "../evaluate/compare-evaluations.ts";
import type { Evaluation } from "../evaluate/evaluate.ts";
import { areProbabilities, softmaxAt } from "./probabilities.ts";
import type { AccuracyComparison, ChangedPicture, ConfusionCell } from "./report-schema.ts";

/** A changed answer before its picture is looked up. */
export interface ChangedAnswer extends Omit<ChangedPicture, "id" | "thumbnail"> {
  /** Of the picture in its source. */
  readonly index: number;
}

export interface AnswerComparison {
  readonly accuracy: AccuracyComparison | null;
  readonly agreement: number;
  readonly changed: readonly ChangedAnswer[];
}

/** Both MUST be of the same source. @param names of the classes; those missing are numbered. */
export function compareAnswers(
  original: Evaluation,
  compressed: Evaluation,
  names: readonly string[] | null,
): AnswerComparison {
  const { difference, pictures, agreement } = compareEvaluations(original, compressed);
  const count = Math.max(original.classes, compressed.classes);
  const classes = Array.from({ length: count }, (_, i) => names?.[i] ?? `class ${i}`);
  const accuracy = difference &&
    original.top1 !== null &&
    compressed.top1 !== null && {
      pictures,
      classes,
      top1: { original: original.top1, compressed: compressed.top1 },
      top5:
        original.top5 !== null && compressed.top5 !== null
          ? { original: original.top5, compressed: compressed.top5 }
          : null,
      difference,
      confusion: confusionCells(original, compressed),
    };
  return { accuracy: accuracy || null, agreement, changed: changedAnswers(original, compressed) };
}

/** In order of label, then answer. */
function confusionCells(original: Evaluation, compressed: Evaluation): ConfusionCell[] {
  const cells = new Map<string, { label: number; answer: number; original: number; compressed: number }>();
  const sides = { original, compressed };
  for (const side of ["original", "compressed"] as const) {
    for (const [i, label] of sides[side].labels.entries()) {
      if (label === null) continue;
      const answer = sides[side].answers[i]!;
      const key = `${label} ${answer}`;
      const cell = cells.get(key) ?? { label, answer, original: 0, compressed: 0 };
      cell[side]++;
      cells.set(key, cell);
    }
  }
  return [...cells.values()].sort((a, b) => a.label - b.label || a.answer - b.answer);
}

function changedAnswers(original: Evaluation, compressed: Evaluation): ChangedAnswer[] {
  const after = new Map(compressed.indices.map((index, at) => [index, at]));
  const before = answerer(original);
  const behind = answerer(compressed);
  return original.indices.flatMap((index, at) => {
    const there = after.get(index);
    if (there === undefined || original.answers[at] === compressed.answers[there]) return [];
    return { index, label: original.labels[at] ?? null, original: before(at), compressed: behind(there) };
  });
}

/** The answer of an evaluation to its i-th picture, and how sure the model was of it. */
function answerer({ scores, classes, answers }: Evaluation) {
  const isProbability = areProbabilities(scores, classes);
  return (at: number): ChangedPicture["original"] => {
    const row = scores.subarray(at * classes, (at + 1) * classes);
    const answer = answers[at]!;
    return { answer, probability: isProbability ? row[answer]! : softmaxAt(row, answer) };
  };
}

/** At most `most`, evenly spread, so that what is shown has the proportions of the whole. */
export function spreadOver<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.floor((i * items.length) / most)]!);
}
