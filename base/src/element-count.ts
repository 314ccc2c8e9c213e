/** How many elements a tensor of these dimensions has; 1 for a scalar, which has no dimension. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((count, dim) => count * dim, 1);
}
