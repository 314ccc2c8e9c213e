/**
 * Keys that are strings, read by the engine's own instructions (JS String Builtins, WebAssembly's proposal, in
 * V8 since 13.0): a loop of JavaScript over a key's characters takes as long as all the rest of a read.
 */
import { stageRow } from "./batch";
import { KEY_TOO_LONG, MAX_KEY_BYTES, NO_ROOM, SCRATCH, SCRATCH_KEY, TEXT_LATIN1, TEXT_UTF16 } from "./layout";
import { contains, read, readNoted } from "./read";

@external("wasm:js-string", "length") declare function lengthOf(text: externref): i32;
@external("wasm:js-string", "charCodeAt") declare function unitAt(text: externref, index: i32): i32;

/** Puts a key into the lane's scratch. Returns its meta, or KEY_TOO_LONG. */
export function putText(lane: i32, text: externref): i32 {
  return putTextAt(load<i32>(lane + SCRATCH) + SCRATCH_KEY, MAX_KEY_BYTES, text);
}

/** The same for a place of `room` bytes. */
function putTextAt(key: i32, room: i32, text: externref): i32 {
  const length = lengthOf(text);
  if (length > room) return KEY_TOO_LONG;
  let all = 0;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const a = unitAt(text, i);
    const b = unitAt(text, i + 1);
    const c = unitAt(text, i + 2);
    const d = unitAt(text, i + 3);
    all |= a | b | c | d;
    store<i32>(key + i, a | (b << 8) | (c << 16) | (d << 24));
  }
  for (; i < length; i++) {
    const a = unitAt(text, i);
    all |= a;
    store<u8>(key + i, a);
  }
  return all > 0xff ? putWideText(key, room, text, length) : (length << 4) | TEXT_LATIN1;
}

function putWideText(key: i32, room: i32, text: externref, length: i32): i32 {
  if (length * 2 > room) return KEY_TOO_LONG;
  for (let i = 0; i < length; i++) store<u16>(key + (i << 1), unitAt(text, i));
  return (length << 5) | TEXT_UTF16;
}

/** `read` of a key that is a string; may be KEY_TOO_LONG. */
export function readText(lane: i32, text: externref, now: f64): i32 {
  const meta = putText(lane, text);
  return meta === KEY_TOO_LONG ? meta : read(lane, meta, now);
}

/** `readNoted` of a key that is a string; may be KEY_TOO_LONG. */
export function readNotedText(lane: i32, text: externref, now: f64): i32 {
  const meta = putText(lane, text);
  return meta === KEY_TOO_LONG ? meta : readNoted(lane, meta, now);
}

/** The same of `contains`: 0, 1 or KEY_TOO_LONG. */
export function containsText(lane: i32, text: externref, now: f64): i32 {
  const meta = putText(lane, text);
  return meta === KEY_TOO_LONG ? meta : i32(contains(lane, meta, now));
}

/** Has a key be a row of the batch, `at` bytes behind the first one's. Returns its meta, KEY_TOO_LONG or NO_ROOM. */
export function stageText(lane: i32, row: i32, text: externref, at: i32): i32 {
  const key = load<i32>(lane + SCRATCH) + SCRATCH_KEY + at;
  const meta = putTextAt(key, MAX_KEY_BYTES - at, text);
  if (meta === KEY_TOO_LONG) return at === 0 ? KEY_TOO_LONG : NO_ROOM;
  stageRow(lane, row, key, meta);
  return meta;
}
