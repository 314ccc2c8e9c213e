/**
 * The triangular factor by which an error in one weight is made good by the weights that are rounded after it.
 *
 * With H = R R^T, R upper triangular, the squared error of a row is |e^T R|^2, e being what rounding did to its
 * weights. The sum number j holds e[0] to e[j] and no later one:
 *
 *   e^T H e = sum over j of (R[j, j] (e[j] + sum over i < j of e[i] R[i, j] / R[j, j]))^2
 *
 * so that a weight rounded in the order of the sums can take back what those before it left in its own. GPTQ (Frantar et
 * al., 2022) reads the same from the Cholesky factor of the inverse of H, of which R is the inverse: here nothing is inverted.
 */

/**
 * So much of the mean of the diagonal is added to it, and more until the matrix can be decomposed. Less fits the weights to the very
 * images that calibrate: MobileNet rounded to 4 bits with images of five classes lost 1.8 points on five others, with 0.03 it lost
 * 4.8 and with 0.01 4.2. On classes that calibrated, ResNet-20 and 56 agree with themselves as often as with 0.01.
 */
const damping = 0.1;
const growth = 10;

export interface TriangularFactor {
  readonly size: number;
  /** Columns in the order they are rounded in. */
  readonly order: Int32Array;
  /** R[j, j], by place in the order. */
  readonly diagonal: Float64Array;
  /** [size, size]: row j has R[i, j] / R[j, j] at i < j. */
  readonly feedback: Float64Array;
  /** What was added to the diagonal of H. */
  readonly added: number;
}

/**
 * @param products E[x x^T], [size, size], symmetric; left as it is. @param mean E[x]: taken out, where a bias takes back
 * what rounding does to the mean; null where not.
 */
export function triangularFactor(
  products: Float64Array,
  mean: Float64Array | null,
  size: number,
): TriangularFactor {
  const at = (i: number, j: number): number => products[i * size + j]! - (mean ? mean[i]! * mean[j]! : 0);
  const own = Float64Array.from({ length: size }, (_, k) => Math.max(0, at(k, k)));
  const level = own.reduce((sum, x) => sum + x, 0) / size || 1;
  // What matters most first: the most columns are left to take its error back.
  const order = Int32Array.from({ length: size }, (_, k) => k).sort((a, b) => own[b]! - own[a]! || a - b);
  for (let share = damping; ; share *= growth) {
    const lower = new Float64Array(size * size);
    // R with rows and columns backwards is the usual lower factor of H backwards.
    for (let i = 0; i < size; i++) {
      const column = order[size - 1 - i]!;
      for (let j = 0; j < i; j++) lower[i * size + j] = at(column, order[size - 1 - j]!);
      lower[i * size + i] = own[column]! + share * level;
    }
    if (decompose(lower, size)) return { ...backwards(lower, size, order), added: share * level };
  }
}

/** Cholesky in place, row by row. @returns false where the matrix is not positive definite */
function decompose(lower: Float64Array, size: number): boolean {
  for (let i = 0; i < size; i++) {
    const row = i * size;
    for (let j = 0; j < i; j++) {
      const other = j * size;
      lower[row + j] = (lower[row + j]! - dot(lower, row, other, j)) / lower[other + j]!;
    }
    const left = lower[row + i]! - dot(lower, row, row, i);
    if (!(left > 0)) return false;
    lower[row + i] = Math.sqrt(left);
  }
  return true;
}

/** Four sums at once: one waits for itself. */
function dot(values: Float64Array, a: number, b: number, length: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < length; k += 4) {
    s0 += values[a + k]! * values[b + k]!;
    s1 += values[a + k + 1]! * values[b + k + 1]!;
    s2 += values[a + k + 2]! * values[b + k + 2]!;
    s3 += values[a + k + 3]! * values[b + k + 3]!;
  }
  for (; k < length; k++) s0 += values[a + k]! * values[b + k]!;
  return s0 + s1 + s2 + s3;
}

function backwards(lower: Float64Array, size: number, order: Int32Array): Omit<TriangularFactor, "added"> {
  const diagonal = new Float64Array(size);
  const feedback = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    const own = lower[(size - 1 - j) * (size + 1)]!;
    diagonal[j] = own;
    // R[i, j] of H is the lower factor's [size-1-i, size-1-j].
    for (let i = 0; i < j; i++) feedback[j * size + i] = lower[(size - 1 - i) * size + size - 1 - j]! / own;
  }
  return { size, order, diagonal, feedback };
}

/** The x of H x = b, H with what was added to it: R^T and R are solved one after the other. @returns in the row's own order */
export function solved({ size, order, diagonal, feedback }: TriangularFactor, b: Float64Array): Float64Array {
  // H = R R^T: R y = b from the last place on, then R^T x = y from the first. R[i, j] is feedback[j, i] * diagonal[j].
  const y = Float64Array.from(order, (k) => b[k]!);
  for (let j = size - 1; j >= 0; j--) {
    const own = y[j]! / diagonal[j]!;
    y[j] = own;
    const scaled = own * diagonal[j]!;
    for (let i = 0; i < j; i++) y[i]! -= scaled * feedback[j * size + i]!;
  }
  const x = new Float64Array(size);
  for (let j = 0; j < size; j++) {
    let sum = 0;
    for (let i = 0; i < j; i++) sum += feedback[j * size + i]! * x[order[i]!]!;
    x[order[j]!] = y[j]! / diagonal[j]! - sum;
  }
  return x;
}
