/**
 * Rows: what a model computes of each entry of its first dimension, independent of the others. Which models have them,
 * how the rows of several requests become one tensor, and how each gets its own back.
 */
import { elementCount, own } from "@cupel/base";
import type { Feeds, TensorData, ValueInfo } from "@cupel/runtime";

type Dimension = ValueInfo["dims"][number];

/**
 * Whether the first dimension of every input and output is open and the same one, and of nothing else; so that
 * requests can be computed together. A model is left alone
 * - whose inputs are all vectors: of those the open dimension is as likely the data itself;
 * - with an output of which another size can only depend on the values, since it would be that of the whole batch;
 * - with 4-bit values, of which two rows may share a byte.
 */
export function hasRows(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): boolean {
  const [first] = inputs;
  if (first === undefined || first.dims.length === 0) return false;
  const rows = nameOf(first.dims[0]!);
  const varies = inputs.some(({ dims }) => dims.slice(1).some(isOpen));
  return (
    inputs.some(({ dims }) => dims.length > 1) &&
    [...inputs, ...outputs].every(({ dims: [size, ...rest], type }) => {
      const isFirst = size !== undefined && isOpen(size) && nameOf(size) === rows;
      return isFirst && !type.endsWith("int4") && (rows === "" || !rest.includes(rows));
    }) &&
    outputs.every(({ dims }) => varies || !dims.slice(1).some(isOpen))
  );
}

function isOpen(size: Dimension): boolean {
  return typeof size === "string" || size < 0;
}

/** "" of one without a name. */
function nameOf(size: Dimension): string {
  return typeof size === "string" ? size : "";
}

/** How many rows every input has; null where they differ, as where one is to be broadcast. */
export function rowsOf(feeds: Feeds): number | null {
  let rows: number | null = null;
  for (const { dims } of Object.values(feeds)) {
    if (dims[0] === undefined || (rows !== null && dims[0] !== rows)) return null;
    rows = dims[0];
  }
  return rows;
}

/** Requests with equal keys can be computed together: their rows have equal shapes, and they want the same outputs. */
export function rowKey(
  inputs: readonly ValueInfo[],
  feeds: Feeds,
  fetches: readonly string[] | undefined,
): string {
  let key = fetches === undefined ? "" : JSON.stringify([...fetches].sort());
  for (const { name, dims } of inputs) {
    if (dims.slice(1).some(isOpen)) key += ` ${own(feeds, name)!.dims.slice(1).join("x")}`;
  }
  return key;
}

/** Rows of a tensor, as a view. */
export function viewRows({ type, dims, data }: TensorData, from: number, count: number): TensorData {
  const [, ...rest] = dims;
  const length = elementCount(rest);
  return { type, dims: [count, ...rest], data: data.subarray(from * length, (from + count) * length) };
}

/** A view keeps the whole batch in memory. It may where the batch is small, or not much larger than the view. */
const smallBatch = 2 ** 20;
const leastShare = 1 / 4;

/**
 * Rows of an output for whoever asked for them: a view where the batch has at most 1 MiB or the rows are at least a
 * quarter of it, else a copy. So a client that is slow to take its answer keeps four times its size, or 1 MiB.
 */
export function takeRows(output: TensorData, from: number, count: number): TensorData {
  const view = viewRows(output, from, count);
  const { data } = view;
  const whole = data.buffer.byteLength;
  return whole <= smallBatch || data.byteLength >= whole * leastShare
    ? view
    : { ...view, data: data.slice() };
}
