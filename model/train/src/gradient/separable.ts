/**
 * Linear maps that act on each axis by itself: y = A_h x A_w^T. Average pooling and interpolation are such,
 * and their gradient is the same with the matrices turned: dx = A_h^T dy A_w. The matrices follow from the
 * operator's own coordinate formula, so that one rule covers every stride, scale and rounding.
 */
import { elementCount } from "@cupel/base";
import { type Emitter, Tensor, type Value } from "@cupel/onnx";

/** One axis of y = A x: [output, input, weight] of each entry that is not 0. An entry given twice adds up. */
export interface AxisMap {
  readonly axis: number;
  readonly size: number;
  readonly outputs: number;
  readonly entries: readonly (readonly [output: number, input: number, weight: number])[];
}

/** dx from dy: each mapped axis goes back from `outputs` to `size`. */
export function transposeMaps(emit: Emitter, dy: Value, maps: readonly AxisMap[]): Value {
  return maps.filter((map) => !isIdentity(map)).reduce((value, map) => transposeMap(emit, value, map), dy);
}

function transposeMap(emit: Emitter, value: Value, { axis, size, outputs, entries }: AxisMap): Value {
  const dims = emit.dims(value);
  const rest = elementCount(dims.slice(axis + 1));
  const result = dims.map((each, index) => (index === axis ? size : each));
  // The last axis is multiplied from the right: one product instead of one a row.
  const fromRight = rest === 1;
  const matrix = new Float32Array(size * outputs);
  for (const [output, input, weight] of entries) {
    const at = fromRight ? output * size + input : input * outputs + output;
    matrix[at] = matrix[at]! + weight;
  }
  const constant = emit.constant(Tensor.float32(fromRight ? [outputs, size] : [size, outputs], matrix));
  const lead = elementCount(dims.slice(0, axis));
  const moved = fromRight
    ? emit.matMul(emit.reshape(value, [lead, outputs]), constant)
    : emit.matMul(constant, emit.reshape(value, [lead, outputs, rest]));
  return emit.reshape(moved, result);
}

function isIdentity({ size, outputs, entries }: AxisMap): boolean {
  return (
    size === outputs &&
    entries.length === size &&
    entries.every(([output, input, weight]) => output === input && weight === 1)
  );
}
