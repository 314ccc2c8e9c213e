/** Scores as probabilities, for models that end in a softmax and for those that do not. */

/** How far from 1 the sum of a row of probabilities may be: half-precision softmax is off by this much. */
const tolerance = 1e-3;

/** Are the rows probabilities already: no value negative, each row's sum 1? */
export function areProbabilities(scores: Float32Array, classes: number): boolean {
  if (scores.length === 0) return false;
  for (let start = 0; start < scores.length; start += classes) {
    let sum = 0;
    for (let c = start; c < start + classes; c++) {
      if (!(scores[c]! >= 0)) return false;
      sum += scores[c]!;
    }
    if (Math.abs(sum - 1) > tolerance) return false;
  }
  return true;
}

/** Softmax of a row, at `prediction`. Shifted by the largest score, so that nothing overflows. */
export function softmaxAt(row: Float32Array, prediction: number): number {
  const largest = row.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  const sum = row.reduce((total, score) => total + Math.exp(score - largest), 0);
  return Math.exp(row[prediction]! - largest) / sum;
}
