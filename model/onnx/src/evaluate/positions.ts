/**
 * Movement as lists of positions: for each element of the result, where it stands in the source. What
 * moves (weights, sizes, symbols) does not matter, so each operator is written once.
 */
import { elementCount } from "@cupel/base";

/** Elements one step along each axis skips, in row-major order. */
function stridesOf(dims: readonly number[]): number[] {
  const strides = dims.map(() => 1);
  for (let axis = dims.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * dims[axis + 1]!;
  return strides;
}

/** Walks `dims` in row-major order, `strides[axis]` source elements a step along each axis. */
function walk(dims: readonly number[], strides: readonly number[], offset = 0): number[] {
  const positions = new Array<number>(elementCount(dims));
  const at = dims.map(() => 0);
  let position = offset;
  for (let i = 0; i < positions.length; i++) {
    positions[i] = position;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at[axis]!++;
      position += strides[axis]!;
      if (at[axis]! < dims[axis]!) break;
      position -= at[axis]! * strides[axis]!;
      at[axis] = 0;
    }
  }
  return positions;
}

export function transposed(dims: readonly number[], order: readonly number[]): number[] {
  const strides = stridesOf(dims);
  return walk(
    order.map((axis) => dims[axis]!),
    order.map((axis) => strides[axis]!),
  );
}

/** Stretched to `target` by numpy's rule. */
export function broadcast(dims: readonly number[], target: readonly number[]): number[] {
  const strides = stridesOf(dims);
  const skipped = target.length - dims.length;
  return walk(
    target,
    target.map((_, axis) => (axis < skipped || dims[axis - skipped] === 1 ? 0 : strides[axis - skipped]!)),
  );
}

/** On each axis the listed indices, in their order: Slice, Gather with a list, Split. */
export function selected(dims: readonly number[], chosen: readonly (readonly number[])[]): number[] {
  const strides = stridesOf(dims);
  let positions = [0];
  for (const [axis, indices] of chosen.entries()) {
    positions = positions.flatMap((position) => indices.map((index) => position + index * strides[axis]!));
  }
  return positions;
}

/** Joined along `axis`; sources are numbered through, one behind the other. */
export function joined(shapes: readonly (readonly number[])[], axis: number): number[] {
  const offsets: number[] = [];
  let total = 0;
  for (const dims of shapes) {
    offsets.push(total);
    total += elementCount(dims);
  }
  const [first = []] = shapes;
  const outer = elementCount(first.slice(0, axis));
  const runs = shapes.map((dims) => elementCount(dims.slice(axis)));
  const positions: number[] = [];
  for (let row = 0; row < outer; row++) {
    for (const [source, run] of runs.entries()) {
      const begin = offsets[source]! + row * run;
      for (let i = 0; i < run; i++) positions.push(begin + i);
    }
  }
  return positions;
}
