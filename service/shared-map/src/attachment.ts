/**
 * A thread's place at a map: its lane, its scratch and the core, and how keys and values go in and out there.
 *
 * Nothing of the user's, neither callback nor codec, runs while the core holds a lock or keeps others from
 * freeing memory, nor between a key's being put into the scratch and the call that it is put there for.
 */
import { isUint8Array } from "node:util/types";
import type { Clock } from "@cupel/base";
import type { Codec } from "./codec.ts";
import { Coded, decodeWith, encodeWith, kindName } from "./coded.ts";
import {
  ABSENT,
  CHUNK_BYTES,
  CONFLICT,
  EXPIRES,
  FOUND,
  FOUND_EXPIRY,
  FOUND_GENERATION,
  FOUND_HASH,
  FOUND_KEY,
  FOUND_VALUE,
  KEY_TOO_LONG,
  LAYOUT,
  MAX_INLINE_BYTES,
  MAX_KEY_BYTES,
  NO_LANE,
  SCRATCH,
  SCRATCH_BYTES,
} from "./core/layout.ts";
import { failureOf, mapClosed } from "./core-failure.ts";
import type { Core } from "./core-instance.ts";
import { sharedMapErrors } from "./errors.ts";
import { bufferOf, openCore, type SharedMapHandle } from "./handle.ts";
import { type AttachOptions, clockOf } from "./options.ts";
import { Scratch } from "./scratch.ts";
import { identity } from "./thread-identity.ts";
import { bigintOfBytes, bytesOfBigint, isLatin1, metaOf, valueType } from "./value-type.ts";

/** A value on its way in: of a type that the map knows, or what a codec made of it. */
type Storable = string | number | bigint | boolean | null | undefined | Uint8Array | Coded;

export class Attachment {
  handle: SharedMapHandle;
  /** The header and the lanes, as they are now. */
  words: Int32Array;
  doubles: Float64Array;
  core: Core;
  readonly lane: number;
  scratch: Scratch;
  readonly #clock: Clock;
  readonly #codec: Codec | undefined;
  readonly #keyCodec: Codec | undefined;
  /** The bytes of a value that is too long for the scratch. */
  #large: Uint8Array | null = null;

  /** @throws TOO_MANY_THREADS */
  constructor(handle: SharedMapHandle, options: AttachOptions) {
    const buffer = bufferOf(handle.memory);
    this.handle = handle;
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.core = openCore(handle);
    this.#clock = clockOf(options);
    this.#codec = options.codec;
    this.#keyCodec = options.keyCodec;
    this.lane = this.core.attach(identity);
    if (this.lane === NO_LANE) {
      throw sharedMapErrors.error(
        "TOO_MANY_THREADS",
        `The map is attached ${handle.settings.maxThreads} times already. Close maps that are not used, or create it with a larger maxThreads.`,
        { details: { maxThreads: handle.settings.maxThreads } },
      );
    }
    this.scratch = new Scratch(buffer, this.words[(this.lane + SCRATCH) >> 2]!);
  }

  /** Gives the lane back. From then on every call fails with MAP_CLOSED, and touches no memory of others. */
  detach(): void {
    this.core.detach(this.lane);
    // Nothing here keeps the memory: it is returned though somebody still has the closed map.
    this.scratch = new Scratch(new ArrayBuffer(SCRATCH_BYTES), 0);
    this.words = new Int32Array(0);
    this.doubles = new Float64Array(0);
    this.handle = { ...this.handle, memory: new SharedArrayBuffer(0), module: null };
    const closed = () => {
      throw mapClosed();
    };
    this.core = Object.fromEntries(Object.keys(this.core).map((name) => [name, closed])) as unknown as Core;
  }

  /** Recovers what threads held that are known to have ended. */
  recoverDead(): void {
    this.core.recoverDead(this.lane, 0);
  }

  /** The text of a key's type and bytes: the same for keys that are the same to the map. */
  contentOf(key: unknown): string {
    const meta = this.putKey(key);
    return `${meta & 15}:${this.scratch.keyText(meta >>> 4)}`;
  }

  /** Has other threads' writes to the key wait until `release`. False when that is not to be had now. */
  reserve(key: unknown): boolean {
    return this.core.reserve(this.lane, this.putKey(key)) !== 0;
  }

  release(): void {
    this.core.release(this.lane);
  }

  /** For the core: 0 while no entry of the map expires, which spares it the clock. */
  now(): number {
    return this.words[EXPIRES >> 2] === 0 ? 0 : this.#clock.monotonic();
  }

  expiryAfter(ttl: number): number {
    return ttl === 0 ? 0 : this.#clock.monotonic() + ttl;
  }

  get found(): number {
    return this.words[(this.lane + FOUND) >> 2]!;
  }
  get foundGeneration(): number {
    return this.words[(this.lane + FOUND_GENERATION) >> 2]!;
  }
  get foundHash(): number {
    return this.words[(this.lane + FOUND_HASH) >> 2]!;
  }
  get foundKeyMeta(): number {
    return this.words[(this.lane + FOUND_KEY) >> 2]!;
  }
  get foundValueMeta(): number {
    return this.words[(this.lane + FOUND_VALUE) >> 2]!;
  }
  get foundExpiry(): number {
    return this.doubles[(this.lane + FOUND_EXPIRY) >> 3]!;
  }
  get layout(): number {
    return this.words[LAYOUT >> 2]!;
  }

  /**
   * Puts a key into the scratch and returns its meta.
   * @throws KEY_TOO_LONG, KEY_UNSUPPORTED, CODEC_FAILED
   */
  putKey(key: unknown): number {
    const meta =
      typeof key === "string"
        ? this.core.putText(this.lane, key)
        : typeof key === "number"
          ? this.scratch.putNumberKey(key)
          : this.#putOtherKey(key);
    return meta === KEY_TOO_LONG ? this.#failOnKey(key) : meta;
  }

  #failOnKey(key: unknown): never {
    throw sharedMapErrors.error(
      "KEY_TOO_LONG",
      `The key ${nameOf(key)} is too long: a key has at most ${MAX_KEY_BYTES} bytes, one for each character up to U+00FF, two for each unit otherwise. Use a digest of it as the key.`,
      { details: { maxBytes: MAX_KEY_BYTES } },
    );
  }

  #putOtherKey(key: unknown): number {
    if (typeof key === "bigint") return this.scratch.putBigintKey(key);
    if (isUint8Array(key)) return this.scratch.putBytesKey(key, valueType.bytes);
    if (this.#keyCodec === undefined) {
      throw sharedMapErrors.error(
        "KEY_UNSUPPORTED",
        `A key of type ${kindName(key)} needs a codec: keys are strings, numbers, bigints or bytes. Create the map with a keyCodec.`,
      );
    }
    return this.scratch.putBytesKey(encodeWith(this.#keyCodec, key), valueType.coded);
  }

  /** The key that iteration delivered; of a coded one, its bytes, for `decodeKey`. */
  copyKey(meta: number): unknown {
    const key = this.scratch.takeKey(meta);
    return (meta & 15) === valueType.coded ? new Coded(key as Uint8Array) : key;
  }

  /** @throws CODEC_FAILED */
  decodeKey(key: unknown): unknown {
    return key instanceof Coded ? decodeWith(this.#keyCodec, key.bytes) : key;
  }

  /**
   * What of a value can be stored as it is, or a codec's bytes. Runs the user's code: call it before `putKey`.
   * @throws VALUE_UNSUPPORTED, CODEC_FAILED
   */
  storable(value: unknown): Storable {
    switch (typeof value) {
      case "string":
      case "number":
      case "bigint":
      case "boolean":
      case "undefined":
        return value;
    }
    // Not by instanceof: bytes may come from another realm, of `node:vm` or a test runner.
    if (value === null || isUint8Array(value)) return value;
    if (this.#codec === undefined) {
      throw sharedMapErrors.error(
        "VALUE_UNSUPPORTED",
        `A value of type ${kindName(value)} needs a codec: without one, values are strings, numbers, bigints, booleans, null, undefined or bytes. Create the map with { codec: jsonCodec } or another.`,
      );
    }
    return new Coded(encodeWith(this.#codec, value));
  }

  /**
   * Puts a value into the scratch, or aside where it is long, and returns its meta.
   * @throws VALUE_TOO_LARGE
   */
  putValue(value: Storable): number {
    switch (typeof value) {
      case "number":
        this.scratch.putNumber(value);
        return metaOf(8, valueType.number);
      case "string":
        return this.#putText(value);
      case "boolean":
        return metaOf(0, value ? valueType.true : valueType.false);
      case "undefined":
        return metaOf(0, valueType.undefined);
      case "bigint":
        return this.#putBytes(bytesOfBigint(value), valueType.bigint);
    }
    if (value === null) return metaOf(0, valueType.null);
    if (value instanceof Coded) return this.#putBytes(value.bytes, valueType.coded);
    return this.#putBytes(value, valueType.bytes);
  }

  #putText(text: string): number {
    const isNarrow = isLatin1(text);
    const type = isNarrow ? valueType.latin1 : valueType.utf16;
    const length = isNarrow ? text.length : text.length * 2;
    this.#checkSize(length);
    if (length > MAX_INLINE_BYTES) this.#large = Buffer.from(text, isNarrow ? "latin1" : "utf16le");
    else if (isNarrow) this.scratch.putLatin1(text);
    else this.scratch.putUtf16(text);
    return metaOf(length, type);
  }

  #putBytes(bytes: Uint8Array, type: number): number {
    const length = bytes.byteLength;
    this.#checkSize(length);
    if (length > MAX_INLINE_BYTES) this.#large = bytes;
    else this.scratch.putBytes(bytes);
    return metaOf(length, type);
  }

  #checkSize(length: number): void {
    const { maxValueBytes } = this.handle.settings;
    if (length <= maxValueBytes) return;
    throw sharedMapErrors.error(
      "VALUE_TOO_LARGE",
      `A value of ${length} bytes is too large: this map takes ${maxValueBytes}. Create it with a larger maxValueBytes, or store less.`,
      { details: { bytes: length, maxValueBytes } },
    );
  }

  /** Writes what was put into the scratch. Returns 0 or CONFLICT. Throws what else can come of it. */
  write(
    keyMeta: number,
    valueMeta: number,
    expiry: number,
    expected: number,
    generation: number,
    integer: number,
  ): number {
    const { core, lane } = this;
    const now = this.now();
    const result =
      valueMeta >>> 4 > MAX_INLINE_BYTES
        ? this.#writeChain(keyMeta, valueMeta, expiry, expected, generation, integer, now)
        : core.write(lane, keyMeta, valueMeta, expiry, expected, generation, integer, now);
    return result === 0 || result === CONFLICT ? result : this.fail(result);
  }

  #writeChain(
    keyMeta: number,
    valueMeta: number,
    expiry: number,
    expected: number,
    generation: number,
    integer: number,
    now: number,
  ): number {
    const { core, lane } = this;
    const bytes = this.#large!;
    this.#large = null;
    const block = core.stage(lane, keyMeta, valueMeta, expiry, now);
    if (block === 0) return this.found;
    const last = Math.floor((bytes.byteLength - 1) / CHUNK_BYTES) * CHUNK_BYTES;
    for (let at = last; at >= 0; at -= CHUNK_BYTES) {
      const part = bytes.subarray(at, at + CHUNK_BYTES);
      this.scratch.putBytes(part);
      if (core.prependChunk(lane, block, part.byteLength, now) !== 0) continue;
      const reason = this.found;
      core.discard(lane, block);
      return reason;
    }
    return core.commit(lane, block, expected, generation, integer, now);
  }

  /**
   * The value that a read delivered.
   * @throws CODEC_FAILED
   */
  takeValue(meta: number): unknown {
    const length = meta >>> 4;
    if (length > MAX_INLINE_BYTES) return this.#takeChain(length, meta & 15);
    switch (meta & 15) {
      case valueType.number:
      case valueType.counter:
      case valueType.fixedCounter:
        return this.scratch.takeNumber();
      case valueType.latin1:
        return this.scratch.takeLatin1(length);
      case valueType.utf16:
        return this.scratch.takeUtf16(length);
      case valueType.true:
        return true;
      case valueType.false:
        return false;
      case valueType.null:
        return null;
      case valueType.undefined:
        return undefined;
      default:
        return this.#decode(this.scratch.takeBytes(length), meta & 15);
    }
  }

  /** After a read whose value is not wanted. Returns it if it is an integer that changes in place, or else 0. */
  skipValue(meta: number): number {
    if (meta >>> 4 > MAX_INLINE_BYTES) this.core.unpin(this.lane);
    return isIntegerMeta(meta) ? this.scratch.takeNumber() : 0;
  }

  /** Writes what a key has once more, to end at `expiry`. Returns 0, ABSENT or CONFLICT. */
  rewrite(key: unknown, expiry: number): number {
    const { core, lane } = this;
    const keyMeta = this.putKey(key);
    const meta = core.read(lane, keyMeta, this.now());
    if (meta === ABSENT) return ABSENT;
    if ((meta & 15) === valueType.fixedCounter) return 0;
    // Key and value are in the scratch as a write wants them; a long value is not.
    const { found, foundGeneration } = this;
    const length = meta >>> 4;
    if (length > MAX_INLINE_BYTES) this.#large = new Uint8Array(this.#readChain(length));
    const integer = isIntegerMeta(meta) ? this.scratch.takeNumber() : 0;
    return this.write(keyMeta, meta, expiry, found, foundGeneration, integer);
  }

  /** The lane is pinned until all chunks are copied. */
  #takeChain(length: number, type: number): unknown {
    const bytes = new Uint8Array(this.#readChain(length));
    if (type === valueType.latin1) return Buffer.from(bytes.buffer).toString("latin1");
    if (type === valueType.utf16) return Buffer.from(bytes.buffer).toString("utf16le");
    return this.#decode(bytes, type);
  }

  #readChain(length: number): ArrayBuffer {
    try {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; ) {
        const copied = this.core.readChunk(this.lane);
        this.scratch.copyTo(bytes, at, copied);
        at += copied;
      }
      return bytes.buffer;
    } finally {
      this.core.unpin(this.lane);
    }
  }

  #decode(bytes: Uint8Array, type: number): unknown {
    if (type === valueType.bytes) return bytes;
    if (type === valueType.bigint) return bigintOfBytes(bytes);
    return decodeWith(this.#codec, bytes);
  }

  /** The value of a key, or `otherwise`: present or not, as of one moment. */
  read(key: unknown, otherwise: unknown): unknown {
    const meta = this.readMeta(key);
    return meta === ABSENT ? otherwise : this.takeValue(meta);
  }

  /** The meta of a key's value, which is delivered then, or ABSENT. */
  readMeta(key: unknown): number {
    if (typeof key !== "string") return this.core.read(this.lane, this.putKey(key), this.now());
    const meta = this.core.readText(this.lane, key, this.now());
    return meta === KEY_TOO_LONG ? this.#failOnKey(key) : meta;
  }

  contains(key: unknown): boolean {
    if (typeof key !== "string") return this.core.contains(this.lane, this.putKey(key), this.now()) !== 0;
    const result = this.core.containsText(this.lane, key, this.now());
    return result === KEY_TOO_LONG ? this.#failOnKey(key) : result !== 0;
  }

  /** Throws what a result of the core stands for. */
  fail(result: number): never {
    throw failureOf(result, this.handle.settings);
  }
}

function isIntegerMeta(meta: number): boolean {
  const type = meta & 15;
  return type === valueType.counter || type === valueType.fixedCounter;
}

function nameOf(key: unknown): string {
  return typeof key === "string"
    ? `"${key.slice(0, 40)}..." of ${key.length} characters`
    : `of type ${kindName(key)}`;
}
