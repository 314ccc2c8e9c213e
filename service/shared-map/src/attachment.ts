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
  FOUND_VERSION,
  FOUND_VERSION_ADDRESS,
  KEY_TOO_LONG,
  LAYOUT,
  MAX_INLINE_BYTES,
  MAX_KEY_BYTES,
  NO_LANE,
  SCRATCH,
  SCRATCH_BYTES,
  SWEEPS,
} from "./core/layout.ts";
import { failureOf, mapClosed } from "./core-failure.ts";
import type { Core } from "./core-instance.ts";
import { sharedMapErrors } from "./errors.ts";
import { bufferOf, openCore, type SharedMapHandle } from "./handle.ts";
import { type AttachOptions, clockOf } from "./options.ts";
import { Scratch } from "./scratch.ts";
import { identity } from "./thread-identity.ts";
import { isIntegerMeta, valueType } from "./value-type.ts";
import { Values } from "./values.ts";

export class Attachment {
  handle: SharedMapHandle;
  /** The header and the lanes, as they are now. */
  words: Int32Array;
  doubles: Float64Array;
  core: Core;
  readonly lane: number;
  scratch: Scratch;
  /** Called after calls that may have evicted entries or found them expired. */
  onGone: (() => void) | undefined;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly values: Values;
  readonly #keyCodec: Codec | undefined;

  /** @throws TOO_MANY_THREADS */
  constructor(handle: SharedMapHandle, options: AttachOptions) {
    const buffer = bufferOf(handle.memory);
    this.handle = handle;
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.core = openCore(handle);
    this.#clock = clockOf(options);
    this.#random = options.random ?? Math.random;
    this.values = new Values(this, options.codec);
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

  /** When what is written now ends; 0 for never. */
  expiryAfter(ttl: number): number {
    if (ttl === 0) return 0;
    const { ttlJitter } = this.handle.settings;
    const lived = ttlJitter === 0 ? ttl : ttl * (1 - ttlJitter * this.#random());
    return this.#clock.monotonic() + lived;
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
  get foundVersionAddress(): number {
    return this.words[(this.lane + FOUND_VERSION_ADDRESS) >> 2]!;
  }
  get foundVersion(): number {
    return this.words[(this.lane + FOUND_VERSION) >> 2]!;
  }
  get sweeps(): number {
    return this.core.wordAt(SWEEPS);
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
    this.onGone?.();
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
    const bytes = this.values.takeLarge();
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

  /** Writes what a key has once more, to end at `expiry`. Returns 0, ABSENT or CONFLICT. */
  rewrite(key: unknown, expiry: number): number {
    const { core, lane } = this;
    const keyMeta = this.putKey(key);
    const meta = core.read(lane, keyMeta, this.now());
    if (meta === ABSENT) return ABSENT;
    if ((meta & 15) === valueType.fixedCounter) return 0;
    // Key and value are in the scratch as a write wants them; a long value is not.
    const { found, foundGeneration } = this;
    if (meta >>> 4 > MAX_INLINE_BYTES) this.values.keepLarge(meta);
    const integer = isIntegerMeta(meta) ? this.scratch.takeNumber() : 0;
    return this.write(keyMeta, meta, expiry, found, foundGeneration, integer);
  }

  /** The value of a key, or `otherwise`: present or not, as of one moment. */
  read(key: unknown, otherwise: unknown): unknown {
    const meta = this.readMeta(key);
    return meta === ABSENT ? otherwise : this.values.take(meta);
  }

  /** The meta of a key's value, which is delivered then, or ABSENT. */
  readMeta(key: unknown): number {
    if (typeof key !== "string") return this.core.read(this.lane, this.putKey(key), this.now());
    const meta = this.core.readText(this.lane, key, this.now());
    return meta === KEY_TOO_LONG ? this.#failOnKey(key) : meta;
  }

  /** The same, with what the near cache asks for. */
  readNoted(key: string | number): number {
    if (typeof key !== "string") return this.core.readNoted(this.lane, this.putKey(key), this.now());
    const meta = this.core.readNotedText(this.lane, key, this.now());
    return meta === KEY_TOO_LONG ? this.#failOnKey(key) : meta;
  }

  /** The same without a trace for eviction and statistics. */
  peekMeta(key: unknown): number {
    return this.core.peek(this.lane, this.putKey(key), this.now());
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

function nameOf(key: unknown): string {
  return typeof key === "string"
    ? `"${key.slice(0, 40)}..." of ${key.length} characters`
    : `of type ${kindName(key)}`;
}
