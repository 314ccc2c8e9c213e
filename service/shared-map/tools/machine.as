/**
 * The machine of `src/core/machine.ts` for WebAssembly, in AssemblyScript: one instruction each, mostly.
 * The compiler reads it in the other file's place.
 */

const LOW_BITS: u64 = 0x0101010101010101;
const HIGH_BITS: u64 = 0x8080808080808080;

@inline export function load8(address: i32): i32 { return load<u8>(address); }
@inline export function store8(address: i32, value: i32): void { store<u8>(address, value); }
@inline export function load32(address: i32): i32 { return load<i32>(address); }
@inline export function store32(address: i32, value: i32): void { store<i32>(address, value); }
@inline export function loadF64(address: i32): f64 { return load<f64>(address); }
@inline export function storeF64(address: i32, value: f64): void { store<f64>(address, value); }
@inline export function copyBytes(target: i32, source: i32, length: i32): void { memory.copy(target, source, length); }
@inline export function fillZero(address: i32, length: i32): void { memory.fill(address, 0, length); }

export function equalBytes(a: i32, b: i32, length: i32): bool {
  while (length >= 8) {
    if (load<u64>(a) != load<u64>(b)) return false;
    a += 8;
    b += 8;
    length -= 8;
  }
  if (length & 4) {
    if (load<u32>(a) != load<u32>(b)) return false;
    a += 4;
    b += 4;
  }
  if (length & 2) {
    if (load<u16>(a) != load<u16>(b)) return false;
    a += 2;
    b += 2;
  }
  return !(length & 1) || load<u8>(a) == load<u8>(b);
}

@inline export function atomicLoad(address: i32): i32 { return atomic.load<i32>(address); }
@inline export function atomicStore(address: i32, value: i32): void { atomic.store<i32>(address, value); }
@inline export function atomicAdd(address: i32, delta: i32): i32 { return atomic.add<i32>(address, delta); }
@inline export function atomicExchange(address: i32, value: i32): i32 { return atomic.xchg<i32>(address, value); }
@inline export function compareExchange(address: i32, expected: i32, value: i32): i32 {
  return atomic.cmpxchg<i32>(address, expected, value);
}
@inline export function atomicLoadControl(address: i32): i64 { return atomic.load<i64>(address); }
@inline export function atomicStoreControlByte(address: i32, byte: i32, value: i32): void {
  const shift: u64 = u64(byte << 3);
  const others: u64 = atomic.load<u64>(address) & ~(<u64>0xff << shift);
  atomic.store<u64>(address, others | (u64(value) << shift));
}
@inline export function atomicLoadInteger(address: i32): f64 { return f64(atomic.load<i64>(address)); }
@inline export function atomicStoreInteger(address: i32, value: f64): void { atomic.store<i64>(address, i64(value)); }
@inline export function atomicAddInteger(address: i32, delta: f64): f64 {
  return f64(atomic.add<i64>(address, i64(delta)) + i64(delta));
}
@inline export function compareExchangeInteger(address: i32, expected: f64, value: f64): bool {
  return atomic.cmpxchg<i64>(address, i64(expected), i64(value)) == i64(expected);
}
@inline export function wait(address: i32, expected: i32, milliseconds: f64): i32 {
  return atomic.wait<i32>(address, expected, i64(milliseconds * 1e6));
}
@inline export function notify(address: i32, count: i32): void { atomic.notify(address, count); }

@external("env", "hasEnded") declare function hasEnded(identity: f64): i32;
@inline export function isDead(identity: f64): bool { return hasEnded(identity) != 0; }

@inline export function multiply(a: i32, b: i32): i32 { return a * b; }
@inline export function rotateLeft(value: i32, count: i32): i32 { return rotl<i32>(value, count); }
@inline export function countLeadingZeros(value: i32): i32 { return clz<i32>(value); }
@inline export function countTrailingZeros(value: i32): i32 { return ctz<i32>(value); }
/** Gathers the high bit of each byte into eight bits. */
@inline function gather(highBits: u64): i32 { return i32(((highBits >> 7) * 0x0102040810204080) >> 56); }
/** Exact: no byte's test carries into the next. */
@inline export function matchByte(control: i64, value: i32): i32 {
  const difference: u64 = u64(control) ^ (LOW_BITS * u64(value));
  return gather(~(((difference & ~HIGH_BITS) + ~HIGH_BITS) | difference) & HIGH_BITS);
}
@inline export function matchFull(control: i64): i32 { return gather(u64(control) & HIGH_BITS); }
@inline export function lessUnsigned(a: i32, b: i32): bool { return u32(a) < u32(b); }
@inline export function isSafeInteger(value: f64): bool {
  return floor<f64>(value) == value && abs<f64>(value) <= 9007199254740991.0;
}
