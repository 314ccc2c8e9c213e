/**
 * Linear equations with a symmetric positive definite matrix, by Cholesky's factorisation, and ridge
 * regression on top of them: the closed form of the last layer of a network whose other layers are fixed.
 *
 *   W = argmin |X W - Y|^2 + lambda |W|^2 = (X'X + lambda I)^-1 X'Y      (Hoerl and Kennard, 1970)
 */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Row by row. */
  readonly values: Float64Array;
}

export function matrix(
  rows: number,
  columns: number,
  values: Float64Array = new Float64Array(rows * columns),
): Matrix {
  return { rows, columns, values };
}

/** X'Y for X [n, p] and Y [n, q]: [p, q]. */
export function crossProduct(x: Matrix, y: Matrix): Matrix {
  const product = matrix(x.columns, y.columns);
  const out = product.values;
  for (let n = 0; n < x.rows; n++) {
    const row = y.values.subarray(n * y.columns, (n + 1) * y.columns);
    for (let p = 0; p < x.columns; p++) {
      const factor = x.values[n * x.columns + p]!;
      if (factor === 0) continue;
      const at = p * y.columns;
      for (let q = 0; q < row.length; q++) out[at + q]! += factor * row[q]!;
    }
  }
  return product;
}

/** X'X for X [n, p]: [p, p], symmetric, of which one half is computed. */
export function gram(x: Matrix): Matrix {
  const { rows, columns, values } = x;
  const product = matrix(columns, columns);
  const out = product.values;
  // Four rows at a time: the product is larger than a cache, and passes through it once for all four.
  const row = (n: number) => (n < rows ? values.subarray(n * columns, (n + 1) * columns) : zeros);
  const zeros = new Float64Array(columns);
  for (let n = 0; n < rows; n += 4) {
    const [a, b, c, d] = [row(n), row(n + 1), row(n + 2), row(n + 3)];
    for (let p = 0; p < columns; p++) {
      const [ap, bp, cp, dp] = [a[p]!, b[p]!, c[p]!, d[p]!];
      const at = p * columns;
      for (let q = p; q < columns; q++) out[at + q]! += ap * a[q]! + bp * b[q]! + cp * c[q]! + dp * d[q]!;
    }
  }
  for (let p = 0; p < columns; p++) {
    for (let q = 0; q < p; q++) out[p * columns + q] = out[q * columns + p]!;
  }
  return product;
}

/** Adds `amount` to the diagonal of a copy. */
export function withRidge(a: Matrix, amount: number): Matrix {
  const values = a.values.slice();
  for (let i = 0; i < a.rows; i++) values[i * a.columns + i]! += amount;
  return { ...a, values };
}

/** The mean of the diagonal: the scale on which a ridge is large or small. */
export function meanDiagonal(a: Matrix): number {
  let sum = 0;
  for (let i = 0; i < a.rows; i++) sum += a.values[i * a.columns + i]!;
  return sum / a.rows;
}

/** X of A X = B for a symmetric positive definite A [p, p] and B [p, q]. */
export function solvePositive(a: Matrix, b: Matrix): Matrix {
  const l = cholesky(a);
  const p = a.rows;
  const q = b.columns;
  const x = b.values.slice();
  // L z = B, top to bottom.
  for (let i = 0; i < p; i++) {
    for (let k = 0; k < i; k++) subtractRow(x, q, i, k, l[i * p + k]!);
    divideRow(x, q, i, l[i * p + i]!);
  }
  // L' x = z, bottom to top.
  for (let i = p - 1; i >= 0; i--) {
    for (let k = i + 1; k < p; k++) subtractRow(x, q, i, k, l[k * p + i]!);
    divideRow(x, q, i, l[i * p + i]!);
  }
  return matrix(p, q, x);
}

/** The lower triangle L with L L' = A. */
function cholesky({ rows: p, values: a }: Matrix): Float64Array {
  const l = new Float64Array(p * p);
  for (let i = 0; i < p; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * p + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * p + k]! * l[j * p + k]!;
      if (i !== j) l[i * p + j] = sum / l[j * p + j]!;
      else if (sum > 0) l[i * p + i] = Math.sqrt(sum);
      else throw new RangeError(`The matrix is not positive definite at row ${i}.`);
    }
  }
  return l;
}

function subtractRow(x: Float64Array, width: number, row: number, other: number, factor: number): void {
  if (factor === 0) return;
  const to = row * width;
  const from = other * width;
  for (let c = 0; c < width; c++) x[to + c]! -= factor * x[from + c]!;
}

function divideRow(x: Float64Array, width: number, row: number, divisor: number): void {
  for (let c = 0; c < width; c++) x[row * width + c]! /= divisor;
}
