/**
 * Tensors from a file: safetensors, https://huggingface.co/docs/safetensors, which any tool can write. Eight bytes with
 * the length of a JSON header, the header, the elements.
 */
import { elementCount, own, setOwn } from "@cupel/base";
import { arrayLength, type EngineElementType, type TensorData, tensorArrays } from "./tensor-data.ts";

export interface SafetensorsEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** In the body. */
  readonly data_offsets: readonly [begin: number, end: number];
}

export interface SafetensorsFile {
  /** Texts by key. */
  readonly metadata: Readonly<Record<string, string>>;
  /** As they are written, by name. */
  readonly entries: Readonly<Record<string, SafetensorsEntry>>;
  /** Everything behind the header. */
  readonly body: Uint8Array;
  readonly tensors: Readonly<Record<string, TensorData>>;
}

const metadataKey = "__metadata__";
const lengthBytes = 8;
/** The format's own limit on its header. */
const longestHeader = 100e6;

/** What the engine takes of the format's types. */
const types: Readonly<Record<string, EngineElementType>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U64: "uint64",
  U32: "uint32",
  U16: "uint16",
  U8: "uint8",
  BOOL: "bool",
};

/** @throws Error in plain words when the file is not whole, or holds a type that the engine does not take */
export function readSafetensors(file: Uint8Array): SafetensorsFile {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const length = bytes.length < lengthBytes ? 0 : Number(bytes.readBigUInt64LE());
  const start = lengthBytes + length;
  if (length < 2 || length > longestHeader || start > bytes.length) {
    throw new Error("it is cut off, or no safetensors file");
  }
  const header: unknown = JSON.parse(bytes.toString("utf8", lengthBytes, start));
  if (typeof header !== "object" || header === null || Array.isArray(header))
    throw new Error("its header is no JSON object");
  const body = bytes.subarray(start);
  const metadata: Record<string, string> = {};
  const entries = new Map<string, SafetensorsEntry>();
  for (const [name, value] of Object.entries(header)) {
    if (name === metadataKey) readMetadata(metadata, value);
    else entries.set(name, entryOf(name, value));
  }
  checkOverlaps([...entries.values()]);
  return {
    metadata,
    entries: Object.fromEntries(entries),
    body,
    tensors: Object.fromEntries([...entries].map(([name, entry]) => [name, tensorOf(name, entry, body)])),
  };
}

function readMetadata(metadata: Record<string, string>, found: unknown): void {
  if (typeof found !== "object" || found === null) throw new Error("its metadata are no texts by key");
  for (const [key, text] of Object.entries(found)) {
    if (typeof text !== "string") throw new Error(`its metadata "${key}" is no text`);
    setOwn(metadata, key, text);
  }
}

/** The format has none: a small file would otherwise be many large tensors, all of the same bytes. */
function checkOverlaps(entries: readonly SafetensorsEntry[]): void {
  let before = 0;
  for (const [begin, end] of entries.map((entry) => entry.data_offsets).sort(([a], [b]) => a - b)) {
    if (begin === end) continue;
    if (begin < before) throw new Error("its tensors lie over each other");
    before = end;
  }
}

function entryOf(name: string, value: unknown): SafetensorsEntry {
  const isEntry = (each: unknown): each is SafetensorsEntry =>
    typeof each === "object" &&
    each !== null &&
    "dtype" in each &&
    typeof each.dtype === "string" &&
    "shape" in each &&
    Array.isArray(each.shape) &&
    each.shape.every(isSize) &&
    "data_offsets" in each &&
    Array.isArray(each.data_offsets) &&
    each.data_offsets.length === 2 &&
    each.data_offsets.every(isSize);
  if (isEntry(value)) return value;
  throw new Error(`its header says nothing of use about "${name}"`);
}

const isSize = (size: unknown): boolean => Number.isSafeInteger(size) && Number(size) >= 0;

function tensorOf(
  name: string,
  { dtype, shape, data_offsets }: SafetensorsEntry,
  body: Uint8Array,
): TensorData {
  if (!Object.hasOwn(types, dtype)) {
    throw new Error(`"${name}" is ${dtype}; read are ${Object.keys(types).join(", ")}`);
  }
  const type = own(types, dtype)!;
  const [begin, end] = data_offsets;
  const bytes = arrayLength(type, elementCount(shape)) * tensorArrays[type].BYTES_PER_ELEMENT;
  if (end > body.length || end - begin !== bytes) {
    throw new Error(`"${name}" of shape [${shape.join(", ")}] needs ${bytes} bytes, and has ${end - begin}`);
  }
  return {
    type,
    dims: shape,
    data: new tensorArrays[type](Uint8Array.from(body.subarray(begin, end)).buffer),
  };
}
