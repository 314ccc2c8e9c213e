/**
 * What is checked and copied on the caller's side of the thread boundary.
 *
 * A feed is checked against the declared inputs before anything crosses, so that a mistake is answered in
 * the caller's words and costs no engine time. It is then copied exactly once, or moved when the caller
 * gives it away. (Posting a view without care would clone its whole underlying buffer, twice.)
 */
import { elementCount, own, setOwn } from "@cupel/base";
import { runtimeErrors } from "../errors.ts";
import { feedDims } from "../measure/feed-dims.ts";
import {
  arrayLength,
  copyOf,
  engineElementType,
  isEngineElementType,
  isShared,
  type TensorData,
  type TypedArray,
  tensorArrays,
  type ValueInfo,
} from "./tensor-data.ts";

export type Feeds = Readonly<Record<string, TensorData>>;
/** Arrays over shared memory, by the name of the value to be written there. */
export type Targets = Readonly<Record<string, TypedArray>>;

/** @throws INPUT_MISSING, INPUT_UNKNOWN, INPUT_SHAPE_MISMATCH, TENSOR_TYPE_MISMATCH */
export function checkFeeds(inputs: readonly ValueInfo[], feeds: Feeds): void {
  checkFeedsGiven(inputs, feeds);
  for (const input of inputs) {
    if (Object.hasOwn(feeds, input.name)) continue;
    throw runtimeErrors.error(
      "INPUT_MISSING",
      `The input "${input.name}" (${input.type} ${shapeText(input.dims)}) has no feed.`,
      { details: { name: input.name } },
    );
  }
}

/** The same, where inputs may be left out. @throws INPUT_UNKNOWN, INPUT_SHAPE_MISMATCH, TENSOR_TYPE_MISMATCH */
export function checkFeedsGiven(inputs: readonly ValueInfo[], feeds: Feeds): void {
  const expected = new Map(inputs.map((input) => [input.name, input]));
  for (const [name, feed] of Object.entries(feeds)) {
    const input = expected.get(name);
    if (!input) {
      throw runtimeErrors.error(
        "INPUT_UNKNOWN",
        `There is no input "${name}" to feed; the inputs are ${quoted(inputs)}.`,
        { details: { name } },
      );
    }
    checkFeed(input, feed);
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

/** @throws INPUT_SHAPE_MISMATCH, TENSOR_TYPE_MISMATCH */
export function checkFeed(input: ValueInfo, feed: TensorData): void {
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
  if (!fitsShape(input, dims)) {
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

/** Whether each array can take its value from another thread. @throws TENSOR_TYPE_MISMATCH */
export function checkTargets(values: readonly ValueInfo[], targets: Targets): void {
  for (const { name, type, dims } of values) {
    const target = own(targets, name);
    if (target === undefined) continue;
    const sizes = dims.filter((dim) => typeof dim === "number");
    const fits =
      isEngineElementType(type) &&
      target instanceof tensorArrays[type] &&
      isShared(target) &&
      (dims.length === 0 ||
        sizes.length < dims.length ||
        target.length === arrayLength(type, elementCount(sizes)));
    if (fits) continue;
    throw runtimeErrors.error(
      "TENSOR_TYPE_MISMATCH",
      `The array that is to take "${name}" (${type} ${shapeText(dims)}) must be of that type and size, ` +
        `over a SharedArrayBuffer; it is ${target.constructor.name}(${target.length})${isShared(target) ? "" : ", not shared"}.`,
      { details: { name, expected: type } },
    );
  }
}

/** Whether a tensor of these dimensions is what the graph declares. */
export function fitsShape(declared: ValueInfo, dims: readonly number[]): boolean {
  return (
    declared.dims.length === 0 ||
    (dims.length === declared.dims.length &&
      declared.dims.every((dim, axis) => typeof dim === "string" || dim < 0 || dim === dims[axis]))
  );
}

/**
 * Feeds ready to post, and the buffers to move with them.
 * @param how copies unless told otherwise. "transfer" moves what can be moved; "share" copies all but shared
 * memory, for a thread that itself copies what it takes.
 */
export function packFeeds(
  feeds: Feeds,
  how: "copy" | "transfer" | "share",
): { feeds: Feeds; moved: ArrayBuffer[] } {
  const moved = new Set<ArrayBuffer>();
  const packed: Record<string, TensorData> = {};
  for (const [name, feed] of Object.entries(feeds)) {
    const asIs = how === "transfer" ? isMovable(feed.data) : how === "share" && isShared(feed.data);
    const data = asIs ? feed.data : copyOf(feed.data);
    if (data.buffer instanceof ArrayBuffer) moved.add(data.buffer);
    setOwn(packed, name, { type: feed.type, dims: [...feed.dims], data });
  }
  return { feeds: packed, moved: [...moved] };
}

/** Shared memory cannot be moved (nor does the engine take it); a Buffer may be a slice of Node's pool. */
function isMovable(data: TypedArray): boolean {
  return data.buffer instanceof ArrayBuffer && !Buffer.isBuffer(data);
}

/** Zeros of the declared shapes; open sizes are those of `feedDims`. @throws TENSOR_TYPE_MISMATCH */
export function zeroFeeds(inputs: readonly ValueInfo[]): Record<string, TensorData> {
  const closed = feedDims(inputs);
  return Object.fromEntries(
    inputs.map(({ name, type }, i) => {
      const elementType = engineElementType(type);
      const sizes = closed[i]!;
      const data = new tensorArrays[elementType](arrayLength(elementType, elementCount(sizes)));
      return [name, { type, dims: sizes, data }];
    }),
  );
}

export function shapeText(dims: readonly (number | string)[]): string {
  return `[${dims.map((dim) => (dim === "" ? "?" : dim)).join(", ")}]`;
}

function quoted(values: readonly ValueInfo[]): string {
  return values.map((value) => `"${value.name}"`).join(", ") || "none";
}
