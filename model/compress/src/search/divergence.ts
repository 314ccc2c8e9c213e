/** How far one model's predictions have moved from another's: mean Kullback-Leibler divergence of the softmax. */

/** @param reference and @param other are scores, [images, classes] row-major. @returns nats an image. */
export function meanDivergence(reference: Float32Array, other: Float32Array, classes: number): number {
  const images = reference.length / classes;
  let sum = 0;
  for (let n = 0; n < images; n++) {
    const p = logSoftmax(reference.subarray(n * classes, (n + 1) * classes));
    const q = logSoftmax(other.subarray(n * classes, (n + 1) * classes));
    for (let c = 0; c < classes; c++) sum += Math.exp(p[c]!) * (p[c]! - q[c]!);
  }
  return Math.max(0, sum / images);
}

function logSoftmax(scores: Float32Array): Float64Array {
  let highest = Number.NEGATIVE_INFINITY;
  for (const score of scores) highest = Math.max(highest, score);
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - highest);
  const log = highest + Math.log(sum);
  return Float64Array.from(scores, (score) => score - log);
}
