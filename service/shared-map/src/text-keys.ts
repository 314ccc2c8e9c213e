/** What `tools/text.as` does in WebAssembly, for a core that is TypeScript. */
import { KEY_TOO_LONG, MAX_KEY_BYTES, SCRATCH, SCRATCH_KEY, TEXT_LATIN1, TEXT_UTF16 } from "./core/layout.ts";
import { isLatin1, metaOf } from "./value-type.ts";

export interface TextKeys {
  /** Puts a key into the lane's scratch. Returns its meta, or KEY_TOO_LONG. */
  putText(lane: number, text: string): number;
  /** `read` of a key that is a string; may be KEY_TOO_LONG. */
  readText(lane: number, text: string, now: number): number;
  /** The same of `contains`: 0, 1 or KEY_TOO_LONG. */
  containsText(lane: number, text: string, now: number): number;
}

interface Reading {
  read(lane: number, keyMeta: number, now: number): number;
  contains(lane: number, keyMeta: number, now: number): number;
}

export function textKeys(memory: ArrayBufferLike, { read, contains }: Reading): TextKeys {
  const words = new Int32Array(memory);
  const bytes = Buffer.from(memory);
  const putText = (lane: number, text: string): number => {
    const isNarrow = isLatin1(text);
    const length = isNarrow ? text.length : text.length * 2;
    if (length > MAX_KEY_BYTES) return KEY_TOO_LONG;
    bytes.write(text, words[(lane + SCRATCH) >> 2]! + SCRATCH_KEY, length, isNarrow ? "latin1" : "utf16le");
    return metaOf(length, isNarrow ? TEXT_LATIN1 : TEXT_UTF16);
  };
  const withMeta =
    (call: (lane: number, keyMeta: number, now: number) => number) =>
    (lane: number, text: string, now: number): number => {
      const meta = putText(lane, text);
      return meta === KEY_TOO_LONG ? meta : call(lane, meta, now);
    };
  return { putText, readText: withMeta(read), containsText: withMeta(contains) };
}
