/**
 * A lane's scratch: where keys and values pass between JavaScript and the core. It is the only part of the
 * shared memory, but for the header, that JavaScript reads or writes, and only its own thread does.
 */
import { KEY_TOO_LONG, MAX_INLINE_BYTES, MAX_KEY_BYTES, SCRATCH_KEY, SCRATCH_VALUE } from "./core/layout.ts";
import { bigintOfBytes, bytesOfBigint, metaOf, valueType } from "./value-type.ts";

export class Scratch {
  readonly #keyBytes: Uint8Array;
  readonly #keyDoubles: Float64Array;
  readonly #key: Buffer;
  readonly #valueDoubles: Float64Array;
  readonly #value: Buffer;

  constructor(memory: ArrayBufferLike, address: number) {
    const key = address + SCRATCH_KEY;
    const value = address + SCRATCH_VALUE;
    this.#keyBytes = new Uint8Array(memory, key, MAX_KEY_BYTES);
    this.#keyDoubles = new Float64Array(memory, key, 1);
    this.#key = Buffer.from(memory, key, MAX_KEY_BYTES);
    this.#valueDoubles = new Float64Array(memory, value, 1);
    this.#value = Buffer.from(memory, value, MAX_INLINE_BYTES + 4128);
  }

  /** As a `Map` does, 0 and -0 are one key, and so are all NaN. */
  putNumberKey(key: number): number {
    this.#keyDoubles[0] = Number.isNaN(key) ? Number.NaN : key + 0;
    return metaOf(8, valueType.number);
  }

  /** May return KEY_TOO_LONG. */
  putBytesKey(key: Uint8Array, type: number): number {
    if (key.byteLength > MAX_KEY_BYTES) return KEY_TOO_LONG;
    this.#keyBytes.set(key);
    return metaOf(key.byteLength, type);
  }

  putBigintKey(key: bigint): number {
    return this.putBytesKey(bytesOfBigint(key), valueType.bigint);
  }

  /** The key that iteration delivered; of a coded one, its bytes. */
  takeKey(meta: number): unknown {
    const length = meta >>> 4;
    switch (meta & 15) {
      case valueType.latin1:
        return this.#key.toString("latin1", 0, length);
      case valueType.utf16:
        return this.#key.toString("utf16le", 0, length);
      case valueType.number:
        return this.#keyDoubles[0];
      case valueType.bigint:
        return bigintOfBytes(this.#keyBytes.subarray(0, length));
      default:
        return this.#keyBytes.slice(0, length);
    }
  }

  /** The key's bytes, a character each. */
  keyText(length: number): string {
    return this.#key.toString("latin1", 0, length);
  }

  putNumber(value: number): void {
    this.#valueDoubles[0] = value;
  }

  takeNumber(): number {
    return this.#valueDoubles[0]!;
  }

  /** @param text of one-byte characters, not longer than what lies inline. */
  putLatin1(text: string): void {
    this.#value.write(text, 0, text.length, "latin1");
  }

  putUtf16(text: string): void {
    this.#value.write(text, 0, text.length * 2, "utf16le");
  }

  putBytes(bytes: Uint8Array): void {
    this.#value.set(bytes);
  }

  takeLatin1(from: number, to: number): string {
    return this.#value.toString("latin1", from, to);
  }

  takeUtf16(from: number, to: number): string {
    return this.#value.toString("utf16le", from, to);
  }

  takeBytes(from: number, to: number): Uint8Array {
    const bytes = new Uint8Array(to - from);
    bytes.set(this.#value.subarray(from, to));
    return bytes;
  }

  /** Copies what the core delivered to a place of the caller's. */
  copyTo(target: Uint8Array, at: number, length: number): void {
    target.set(this.#value.subarray(0, length), at);
  }
}
