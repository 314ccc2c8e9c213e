/** The loss of a classifier on labelled images: what training minimises, and what tells its best epoch. */
import type { Evaluation } from "./evaluation.ts";

/**
 * Mean of -ln of the probability that each labelled image gives its own class; null when none is labelled.
 * @param probabilities whether the scores are probabilities, as where the graph ends in Softmax; else they
 * are logits. The logarithms of probabilities are logits too.
 */
export function crossEntropy(evaluation: Evaluation, probabilities: boolean): number | null {
  const { labels, scores, classes } = evaluation;
  const logits = probabilities ? scores.map(Math.log) : scores;
  let [loss, labelled] = [0, 0];
  for (const [i, label] of labels.entries()) {
    if (label === null) continue;
    const row = logits.subarray(i * classes, (i + 1) * classes);
    loss += logSumExp(row) - row[label]!;
    labelled++;
  }
  return labelled > 0 ? loss / labelled : null;
}

/** Shifted by the largest score, so that nothing overflows. */
function logSumExp(row: Float32Array): number {
  const largest = row.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  const sum = row.reduce((total, score) => total + Math.exp(score - largest), 0);
  return largest + Math.log(sum);
}
