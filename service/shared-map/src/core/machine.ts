/**
 * What the core asks of the machine it runs on: loads, stores, atomics, bit operations and waiting, on one
 * memory that threads share. It is the only file of the core that exists twice: this one runs the core as
 * TypeScript on a SharedArrayBuffer, `tools/machine.as` is what the compiler to WebAssembly puts in its
 * place. Addresses are bytes, as 32-bit patterns: those beyond 2 GiB are negative, so they are never ordered.
 *
 * Every access that two threads may make at once, one of them writing, MUST be atomic; plain accesses are for
 * what one thread owns, and for what is immutable once an atomic store has published it.
 */

import { hasEnded } from "../thread-identity.ts";

/** A 32-bit integer, signed. */
export type i32 = number;
export type f64 = number;
/** The eight control bytes of a group. */
export type i64 = bigint;

let bytes: Uint8Array = new Uint8Array(0);
let words: Int32Array = new Int32Array(0);
let longs: BigInt64Array = new BigInt64Array(0);
let doubles: Float64Array = new Float64Array(0);

/** The memory that all functions below work on, until the next call. */
export function useMemory(buffer: ArrayBufferLike): void {
  if (buffer === bytes.buffer) return;
  bytes = new Uint8Array(buffer);
  words = new Int32Array(buffer);
  longs = new BigInt64Array(buffer);
  doubles = new Float64Array(buffer);
}

export function load8(address: i32): i32 {
  return bytes[address >>> 0]!;
}
export function store8(address: i32, value: i32): void {
  bytes[address >>> 0] = value;
}
export function load32(address: i32): i32 {
  return words[address >>> 2]!;
}
export function store32(address: i32, value: i32): void {
  words[address >>> 2] = value;
}
export function loadF64(address: i32): f64 {
  return doubles[address >>> 3]!;
}
export function storeF64(address: i32, value: f64): void {
  doubles[address >>> 3] = value;
}
export function copyBytes(target: i32, source: i32, length: i32): void {
  bytes.copyWithin(target >>> 0, source >>> 0, (source >>> 0) + length);
}
export function fillZero(address: i32, length: i32): void {
  bytes.fill(0, address >>> 0, (address >>> 0) + length);
}
/** Whether two ranges that do not change hold the same bytes. */
export function equalBytes(a: i32, b: i32, length: i32): boolean {
  for (let i = 0; i < length; i++) if (bytes[(a >>> 0) + i] !== bytes[(b >>> 0) + i]) return false;
  return true;
}

export function atomicLoad(address: i32): i32 {
  return Atomics.load(words, address >>> 2);
}
export function atomicStore(address: i32, value: i32): void {
  Atomics.store(words, address >>> 2, value);
}
/** Returns the value before. */
export function atomicAdd(address: i32, delta: i32): i32 {
  return Atomics.add(words, address >>> 2, delta);
}
/** Returns the value before. */
export function atomicExchange(address: i32, value: i32): i32 {
  return Atomics.exchange(words, address >>> 2, value);
}
/** Returns the value before: `expected` when the exchange took place. */
export function compareExchange(address: i32, expected: i32, value: i32): i32 {
  return Atomics.compareExchange(words, address >>> 2, expected, value);
}
export function atomicLoadControl(address: i32): i64 {
  return Atomics.load(longs, address >>> 3);
}
/** Replaces one of the eight bytes. MUST have no other writer at the time. */
export function atomicStoreControlByte(address: i32, byte: i32, value: i32): void {
  const shift = BigInt(byte << 3);
  const others = Atomics.load(longs, address >>> 3) & ~(0xffn << shift);
  Atomics.store(longs, address >>> 3, others | (BigInt(value) << shift));
}
/** Integers up to 2^53 in a 64-bit word. */
export function atomicLoadInteger(address: i32): f64 {
  return Number(Atomics.load(longs, address >>> 3));
}
export function atomicStoreInteger(address: i32, value: f64): void {
  Atomics.store(longs, address >>> 3, BigInt(value));
}
/** Returns the value after. */
export function atomicAddInteger(address: i32, delta: f64): f64 {
  return Number(Atomics.add(longs, address >>> 3, BigInt(delta)) + BigInt(delta));
}
/** Whether the word was `expected`, and is now `value`. */
export function compareExchangeInteger(address: i32, expected: f64, value: f64): boolean {
  return Atomics.compareExchange(longs, address >>> 3, BigInt(expected), BigInt(value)) === BigInt(expected);
}
/** Sleeps while the word is `expected`, until a notify or for `milliseconds`. Returns 0, 1 if it was not, 2 if time ran out. */
export function wait(address: i32, expected: i32, milliseconds: f64): i32 {
  return ["ok", "not-equal", "timed-out"].indexOf(Atomics.wait(words, address >>> 2, expected, milliseconds));
}
export function notify(address: i32, count: i32): void {
  Atomics.notify(words, address >>> 2, count);
}

/** Whether the thread of that identity is known to have ended. */
export function isDead(identity: f64): boolean {
  return hasEnded(identity);
}

/** The product modulo 2^32. */
export function multiply(a: i32, b: i32): i32 {
  return Math.imul(a, b);
}
export function rotateLeft(value: i32, count: i32): i32 {
  return (value << count) | (value >>> (32 - count));
}
export function countLeadingZeros(value: i32): i32 {
  return Math.clz32(value);
}
export function countTrailingZeros(value: i32): i32 {
  return 31 - Math.clz32(value & -value);
}
/** Bit i is set when control byte i is `value`. */
export function matchByte(control: i64, value: i32): i32 {
  let found = 0;
  for (let i = 0; i < 8; i++) if (Number((control >> BigInt(i << 3)) & 0xffn) === value) found |= 1 << i;
  return found;
}
/** Bit i is set when control byte i has its high bit set: the slot is full. */
export function matchFull(control: i64): i32 {
  let found = 0;
  for (let i = 0; i < 8; i++) if ((control >> BigInt((i << 3) + 7)) & 1n) found |= 1 << i;
  return found;
}
/** Whether `a` is less than `b`, both unsigned. */
export function lessUnsigned(a: i32, b: i32): boolean {
  return a >>> 0 < b >>> 0;
}
/** Whether float64 holds the integer exactly, and its neighbours too. */
export function isSafeInteger(value: f64): boolean {
  return Number.isSafeInteger(value);
}
