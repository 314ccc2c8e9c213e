/** How values that the map does not store by itself (objects, arrays, dates) become bytes and come back. */
import { deserialize, serialize } from "node:v8";

export interface Codec<T = unknown> {
  /** Travels with the map's handle: whoever attaches must have a codec of the same name. */
  readonly name: string;
  /** For keys, equal values MUST give equal bytes. */
  encode(value: T): Uint8Array;
  /** @param bytes the caller's own copy. */
  decode(bytes: Uint8Array): T;
}

/** JSON, in UTF-8. Fast for small objects; loses what JSON loses. */
export const jsonCodec: Codec = {
  name: "json",
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()),
};

/** The structured clone format of V8: also dates, maps, sets, typed arrays and cycles. */
export const structuredCodec: Codec = { name: "structured", encode: serialize, decode: deserialize };
