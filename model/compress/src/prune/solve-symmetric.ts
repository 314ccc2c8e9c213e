/** Linear equations with a symmetric, positive definite matrix: Cholesky's decomposition, L L^T. */

/** Less than this of the largest on the diagonal counts as nothing: that unknown becomes zero. */
const negligible = 1e-12;

/**
 * @param matrix [size, size]; overwritten. @param sides [sides, size], a right side a row; overwritten with the solutions.
 */
export function solveSymmetric(matrix: Float64Array, size: number, sides: Float64Array): Float64Array {
  let largest = 0;
  for (let i = 0; i < size; i++) largest = Math.max(largest, matrix[i * size + i]!);
  const least = largest * negligible;
  for (let i = 0; i < size; i++) {
    const row = matrix.subarray(i * size, (i + 1) * size);
    for (let j = 0; j <= i; j++) {
      const other = matrix.subarray(j * size, (j + 1) * size);
      let sum = row[j]!;
      for (let k = 0; k < j; k++) sum -= row[k]! * other[k]!;
      if (j < i) row[j] = other[j] === 0 ? 0 : sum / other[j]!;
      else row[i] = sum > least ? Math.sqrt(sum) : 0;
    }
  }
  for (let at = 0; at < sides.length; at += size) {
    const x = sides.subarray(at, at + size);
    for (let i = 0; i < size; i++) {
      const row = matrix.subarray(i * size, (i + 1) * size);
      let sum = x[i]!;
      for (let k = 0; k < i; k++) sum -= row[k]! * x[k]!;
      x[i] = row[i] === 0 ? 0 : sum / row[i]!;
    }
    for (let i = size - 1; i >= 0; i--) {
      const pivot = matrix[i * size + i]!;
      x[i] = pivot === 0 ? 0 : x[i]! / pivot;
      for (let k = 0; k < i; k++) x[k]! -= matrix[i * size + k]! * x[i]!;
    }
  }
  return sides;
}
