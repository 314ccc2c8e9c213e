/**
 * What is checked and copied on the caller's side of the thread boundary.
 *
 * A feed is checked against the declared inputs before anything crosses, so that a mistake is answered in
 * the caller's words and costs no engine time. It is then copied exactly once, or moved when the caller
 * gives it away. (Posting a view without care would clone its whole underlying buffer, twice.)
 */
import { runtimeErrors } from "./errors.ts";
import {
  arrayLength,
  elementCount,
  isEngineElementType,
  type TensorData,
  type TypedArray,
  tensorArrays,
  type ValueInfo,
} from "./tensor-data.ts";

export type Feeds = Readonly<Record<string, TensorData>>;

/** @throws INPUT_MISSING, INPUT_UNKNOWN, INPUT_SHAPE_MISMATCH, TENSOR_TYPE_MISMATCH */
export function checkFeeds(inputs: readonly ValueInfo[], feeds: Feeds): void {
  const expected = new Map(inputs.map((input) => [input.name, input]));
  for (const [name, feed] of Object.entries(feeds)) {
    const input = expected.get(name);
    if (!input) {
      throw runtimeErrors.error(
        "INPUT_UNKNOWN",
        `The model has no input "${name}"; its inputs are ${quoted(inputs)}.`,
        { details: { name } },
      );
    }
    checkFeed(input, feed);
  }
  for (const input of inputs) {
    if (Object.hasOwn(feeds, input.name)) continue;
    throw runtimeErrors.error(
      "INPUT_MISSING",
      `The input "${input.name}" (${input.type} ${shapeText(input.dims)}) has no feed.`,
      { details: { name: input.name } },
    );
  }
}

/** @throws OUTPUT_UNKNOWN */
export function checkFetches(outputs: readonly ValueInfo[], fetches: readonly string[]): void {
  const known = new Set(outputs.map((output) => output.name));
  for (const name of fetches) {
    if (known.has(name)) continue;
    throw runtimeErrors.error(
      "OUTPUT_UNKNOWN",
      `The model has no output "${name}"; its outputs are ${quoted(outputs)}. ` +
        "Open the session with `taps` to read an intermediate value.",
      { details: { name } },
    );
  }
}

function checkFeed(input: ValueInfo, feed: TensorData): void {
  const { type, dims, data } = feed;
  if (type !== input.type) {
    throw runtimeErrors.error(
      "TENSOR_TYPE_MISMATCH",
      `The input "${input.name}" takes ${input.type}, but ${type} was given.`,
      { details: { name: input.name, expected: input.type, given: type } },
    );
  }
  if (!isEngineElementType(type) || !(data instanceof tensorArrays[type])) {
    const wanted = isEngineElementType(type) ? tensorArrays[type].name : "an array the engine does not have";
    throw runtimeErrors.error(
      "TENSOR_TYPE_MISMATCH",
      `The ${type} feed "${input.name}" must be in ${wanted}, not ${data.constructor.name}.`,
      { details: { name: input.name } },
    );
  }
  const fits =
    input.dims.length === 0 ||
    (dims.length === input.dims.length &&
      input.dims.every((dim, axis) => typeof dim === "string" || dim === dims[axis]));
  if (!fits) {
    throw runtimeErrors.error(
      "INPUT_SHAPE_MISMATCH",
      `The input "${input.name}" has shape ${shapeText(input.dims)}, but ${shapeText(dims)} was given.`,
      { details: { name: input.name, expected: input.dims, given: dims } },
    );
  }
  const length = arrayLength(type, elementCount(dims));
  if (data.length !== length) {
    const hint =
      data.buffer instanceof ArrayBuffer && data.buffer.detached
        ? " Its buffer was moved away by an earlier run with `transfer`."
        : "";
    throw runtimeErrors.error(
      "INPUT_SHAPE_MISMATCH",
      `The feed "${input.name}" of shape ${shapeText(dims)} needs ${length} array elements, but has ${data.length}.${hint}`,
      { details: { name: input.name, expected: length, given: data.length } },
    );
  }
}

/** Feeds ready to post, and the buffers to move with them. */
export function packFeeds(feeds: Feeds, transfer: boolean): { feeds: Feeds; moved: ArrayBuffer[] } {
  const moved = new Set<ArrayBuffer>();
  const packed: Record<string, TensorData> = {};
  for (const [name, feed] of Object.entries(feeds)) {
    const data = transfer && isMovable(feed.data) ? feed.data : copyOf(feed.data);
    if (data.buffer instanceof ArrayBuffer) moved.add(data.buffer);
    packed[name] = { type: feed.type, dims: [...feed.dims], data };
  }
  return { feeds: packed, moved: [...moved] };
}

/** Shared memory cannot be moved (nor does the engine take it); a Buffer may be a slice of Node's pool. */
function isMovable(data: TypedArray): boolean {
  return data.buffer instanceof ArrayBuffer && !Buffer.isBuffer(data);
}

/** Buffer overrides `slice` to share memory, hence the constructor for bytes. */
function copyOf(data: TypedArray): TypedArray {
  return data instanceof Uint8Array ? new Uint8Array(data) : data.slice();
}

function shapeText(dims: readonly (number | string)[]): string {
  return `[${dims.map((dim) => (dim === "" ? "?" : dim)).join(", ")}]`;
}

function quoted(values: readonly ValueInfo[]): string {
  return values.map((value) => `"${value.name}"`).join(", ") || "none";
}
