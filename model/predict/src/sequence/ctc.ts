/**
 * Connectionist temporal classification (Graves et al., 2006), read greedily: of each step the likeliest class;
 * equal ones in a row are one, and then blanks are left out.
 */

export interface ReadSequence {
  /** Of the characters, without blanks. */
  readonly classes: readonly number[];
  /** Mean probability of the steps at which a character begins, 0 to 1; 0 where there is none. */
  readonly confidence: number;
}

/** Scores of the steps of one image. */
export interface Steps {
  readonly count: number;
  readonly classes: number;
  /** Of class `c` at a step. */
  score(step: number, c: number): number;
}

export function readGreedily({ count, classes, score }: Steps, blank: number): ReadSequence {
  const found: number[] = [];
  let sum = 0;
  let before = blank;
  for (let step = 0; step < count; step++) {
    let best = 0;
    for (let c = 1; c < classes; c++) if (score(step, c) > score(step, best)) best = c;
    if (best !== before && best !== blank) {
      found.push(best);
      sum += probabilityAt(step, best, classes, score);
    }
    before = best;
  }
  return { classes: found, confidence: found.length === 0 ? 0 : sum / found.length };
}

/** How far from 1 the sum of a step of probabilities may be, rounded to 8 bits or half precision. */
const tolerance = 0.05;

/** The softmax of the step, unless it is probabilities already: no value negative or above 1, the sum about 1. */
function probabilityAt(step: number, best: number, classes: number, score: Steps["score"]): number {
  const highest = score(step, best);
  let [sum, exponentials, least] = [0, 0, 0];
  for (let c = 0; c < classes; c++) {
    const value = score(step, c);
    sum += value;
    exponentials += Math.exp(value - highest);
    least = Math.min(least, value);
  }
  return least >= 0 && Math.abs(sum - 1) <= tolerance ? highest : 1 / exponentials;
}
