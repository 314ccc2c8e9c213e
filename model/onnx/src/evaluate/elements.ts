/**
 * The contents of a tensor, element by element, so far as they are known before the model runs.
 *
 * Integers and truth values are bigint, so that 64 bits are exact; floats are numbers, rounded to their
 * type after every step. A string is the name of a symbolic dimension, null an element nothing is known
 * of: with these two, `Shape -> Gather -> Concat -> Reshape` can be followed through a symbolic batch.
 */

import {
  bytesOf,
  type Dimension,
  type ElementType,
  elementTypes,
  packIntegers,
  readBfloat16,
  readFloat16,
  Tensor,
  writeBfloat16,
  writeFloat16,
} from "../graph/index.ts";

export type Cell = bigint | number | string | null;

export interface Elements {
  readonly type: ElementType;
  readonly dims: readonly number[];
  /** Row-major, one for each element. */
  readonly cells: readonly Cell[];
}

/** Strings, complex numbers and floats under 16 bits are not computed with. */
export function isComputable(type: ElementType): boolean {
  return isFloat(type) || isInteger(type) || type === "bool";
}

export function isFloat(type: ElementType): boolean {
  return type === "float32" || type === "float64" || type === "float16" || type === "bfloat16";
}

export function isInteger(type: ElementType): boolean {
  return /^u?int/.test(type);
}

/** A tensor's elements; null when its type is not computed with. */
export function elementsOf(tensor: Tensor): Elements | null {
  const { type, dims } = tensor;
  if (!isComputable(type)) return null;
  const cells = isFloat(type) ? tensor.toNumbers() : tensor.toBigInts();
  return { type, dims, cells };
}

/** Null when an element is not known. */
export function tensorFrom(elements: Elements): Tensor | null {
  const { type, dims, cells } = elements;
  const numbers = cells.filter((cell) => typeof cell === "number");
  const integers = cells.filter((cell) => typeof cell === "bigint");
  if (isFloat(type)) {
    return numbers.length === cells.length ? Tensor.fromBytes(type, dims, floatBytes(type, numbers)) : null;
  }
  return integers.length === cells.length ? Tensor.fromBytes(type, dims, integerBytes(type, integers)) : null;
}

function floatBytes(type: ElementType, numbers: readonly number[]): Uint8Array {
  switch (type) {
    case "float64":
      return bytesOf(Float64Array.from(numbers));
    case "float16":
      return bytesOf(writeFloat16(numbers));
    case "bfloat16":
      return bytesOf(writeBfloat16(numbers));
    default:
      return bytesOf(Float32Array.from(numbers));
  }
}

/** Two's complement, so that the unsigned array of the width serves both signs. */
function integerBytes(type: ElementType, integers: readonly bigint[]): Uint8Array {
  const { bits } = elementTypes[type];
  const low = integers.map((value) => BigInt.asUintN(bits, value));
  switch (bits) {
    case 64:
      return bytesOf(BigUint64Array.from(low));
    case 32:
      return bytesOf(Uint32Array.from(low, Number));
    case 16:
      return bytesOf(Uint16Array.from(low, Number));
    case 4:
    case 2:
      return packIntegers(low.map(Number), bits);
    default:
      return Uint8Array.from(low, Number);
  }
}

/** An integer as the type holds it: high bits lost, as in the engine. */
export function wrap(type: ElementType, value: bigint): bigint {
  if (type === "bool") return value === 0n ? 0n : 1n;
  const { bits } = elementTypes[type];
  return type.startsWith("u") ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value);
}

/** A float as the type holds it. */
export function round(type: ElementType, value: number): number {
  switch (type) {
    case "float16":
      return readFloat16(writeFloat16([value]))[0]!;
    case "bfloat16":
      return readBfloat16(writeBfloat16([value]))[0]!;
    case "float32":
      return Math.fround(value);
    default:
      return value;
  }
}

/** A cell as a size or an index: bigint to number (exact below 2^53, and only compared beyond). */
export function dimensionOf(cell: Cell): Dimension {
  return typeof cell === "bigint" ? Number(cell) : cell;
}

export function cellOf(size: Dimension): Cell {
  return typeof size === "number" ? BigInt(size) : size;
}
