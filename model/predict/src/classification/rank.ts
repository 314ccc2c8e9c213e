/** The order of scores: a higher one first, equals by their index. A score that is no number never wins. */

/** The class with the highest score, the first of equals. */
export function highest(scores: Float32Array | Float64Array): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) {
    if (scores[i]! > scores[best]! || Number.isNaN(scores[best])) best = i;
  }
  return best;
}

/** How many classes come before `label`. */
export function rankOf(label: number, scores: Float32Array): number {
  const own = scores[label]!;
  if (Number.isNaN(own)) return scores.length;
  let ahead = 0;
  for (const [c, score] of scores.entries()) if (score > own || (score === own && c < label)) ahead++;
  return ahead;
}
