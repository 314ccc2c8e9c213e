/** What `tools/text.as` does in WebAssembly, for a core that is TypeScript. */
import {
  KEY_TOO_LONG,
  MAX_KEY_BYTES,
  NO_ROOM,
  SCRATCH,
  SCRATCH_KEY,
  TEXT_LATIN1,
  TEXT_UTF16,
} from "./core/layout.ts";
import { isLatin1, metaOf } from "./value-type.ts";

export interface TextKeys {
  /** Puts a key into the lane's scratch. Returns its meta, or KEY_TOO_LONG. */
  putText(lane: number, text: string): number;
  /** `read` of a key that is a string; may be KEY_TOO_LONG. */
  readText(lane: number, text: string, now: number): number;
  /** `readNoted` of a key that is a string; may be KEY_TOO_LONG. */
  readNotedText(lane: number, text: string, now: number): number;
  /** The same of `contains`: 0, 1 or KEY_TOO_LONG. */
  containsText(lane: number, text: string, now: number): number;
  /** Has a key be a row of the batch, `at` bytes behind the first one's. Returns its meta, KEY_TOO_LONG or NO_ROOM. */
  stageText(lane: number, row: number, text: string, at: number): number;
}

interface Reading {
  read(lane: number, keyMeta: number, now: number): number;
  readNoted(lane: number, keyMeta: number, now: number): number;
  contains(lane: number, keyMeta: number, now: number): number;
  stageRow(lane: number, row: number, key: number, keyMeta: number): void;
}

export function textKeys(
  memory: ArrayBufferLike,
  { read, readNoted, contains, stageRow }: Reading,
): TextKeys {
  const words = new Int32Array(memory);
  const bytes = Buffer.from(memory);
  const putTextAt = (key: number, room: number, text: string): number => {
    const isNarrow = isLatin1(text);
    const length = isNarrow ? text.length : text.length * 2;
    if (length > room) return KEY_TOO_LONG;
    bytes.write(text, key, length, isNarrow ? "latin1" : "utf16le");
    return metaOf(length, isNarrow ? TEXT_LATIN1 : TEXT_UTF16);
  };
  const keyOf = (lane: number) => words[(lane + SCRATCH) >> 2]! + SCRATCH_KEY;
  const putText = (lane: number, text: string) => putTextAt(keyOf(lane), MAX_KEY_BYTES, text);
  const withMeta =
    (call: (lane: number, keyMeta: number, now: number) => number) =>
    (lane: number, text: string, now: number): number => {
      const meta = putText(lane, text);
      return meta === KEY_TOO_LONG ? meta : call(lane, meta, now);
    };
  const stageText = (lane: number, row: number, text: string, at: number): number => {
    const key = keyOf(lane) + at;
    const meta = putTextAt(key, MAX_KEY_BYTES - at, text);
    if (meta === KEY_TOO_LONG) return at === 0 ? KEY_TOO_LONG : NO_ROOM;
    stageRow(lane, row, key, meta);
    return meta;
  };
  return {
    putText,
    readText: withMeta(read),
    readNotedText: withMeta(readNoted),
    containsText: withMeta(contains),
    stageText,
  };
}
