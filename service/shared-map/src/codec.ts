/** How values that the map does not store by itself (objects, arrays, dates) become bytes and come back. */
import {
  isAnyArrayBuffer,
  isDataView,
  isMap,
  isNativeError,
  isPromise,
  isRegExp,
  isSet,
  isWeakMap,
  isWeakSet,
} from "node:util/types";
import { deserialize, serialize } from "node:v8";
import { kindName } from "./coded.ts";

export interface Codec<T = unknown> {
  /** Travels with the map's handle: whoever attaches must have a codec of the same name. */
  readonly name: string;
  /** For keys, equal values MUST give equal bytes. */
  encode(value: T): Uint8Array;
  /** @param bytes the caller's own copy. */
  decode(bytes: Uint8Array): T;
}

/** What JSON makes `{}` of, though it holds something. */
const emptied = [
  isMap,
  isSet,
  isWeakMap,
  isWeakSet,
  isPromise,
  isRegExp,
  isNativeError,
  isAnyArrayBuffer,
  isDataView,
];

function refuseEmptied(_: string, value: unknown): unknown {
  if (!emptied.some((is) => is(value))) return value;
  throw new TypeError(
    `JSON would store a ${kindName(value)} as {}; structuredCodec or a codec of yours keeps more`,
  );
}

function stringify(value: unknown): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError("JSON has nothing for it");
  // Looking at each part of a value takes long: only where one became empty.
  return text.includes("{}") ? JSON.stringify(value, refuseEmptied) : text;
}

/**
 * JSON, in UTF-8. Fast for small objects; loses what JSON loses, but refuses what it would make `{}` of: maps, sets,
 * promises, errors, regular expressions, buffers.
 */
export const jsonCodec: Codec = {
  name: "json",
  encode: (value) => Buffer.from(stringify(value)),
  decode: (bytes) => JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()),
};

/** The structured clone format of V8: also dates, maps, sets, typed arrays and cycles. */
export const structuredCodec: Codec = { name: "structured", encode: serialize, decode: deserialize };
