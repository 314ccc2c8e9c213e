/**
 * One map that all worker threads of a process share: `SharedMap.create` in one of them, `SharedMap.attach` in
 * the others. README.md says what is guaranteed, G1 to G6.
 */
import { markAsUncloneable, type Worker } from "node:worker_threads";
import { Attachment } from "./attachment.ts";
import { Batch } from "./batch.ts";
import { type CheckReport, checkMemory } from "./check.ts";
import { ABSENT, ANYTHING, BUSY, CONFLICT, NOTHING } from "./core/layout.ts";
import { mapClosed } from "./core-failure.ts";
import { type Counter, notAnInteger } from "./counter.ts";
import { Counters } from "./counters.ts";
import { Cursor, CursorIterator, missing } from "./cursor.ts";
import { register, watch } from "./dead-threads.ts";
import { geometryOf } from "./geometry.ts";
import { checkHandle, createHandle, type SharedMapHandle } from "./handle.ts";
import { NearCache } from "./near-cache.ts";
import {
  type AttachOptions,
  checkCodecs,
  listOf,
  type SetOptions,
  type SharedMapOptions,
  settingsOf,
  type TestOptions,
  ttlOf,
} from "./options.ts";
import { conflict, persist } from "./persist.ts";
import { readStats, type SharedMapStats } from "./stats.ts";
import type { CodecsFor, Given, KeyCodecFor, MapKey, MapValue, TakesNumbers, WithCodec } from "./storable.ts";
import { wasmEngine } from "./wasm-engine.ts";

/** The maps of counters and cursors: they stay open as long as somebody has one. */
const mapsOf = new WeakMap<object, object>();

/** Gives back the lanes of maps that were forgotten instead of closed. */
const forgotten = new FinalizationRegistry<() => void>((detach) => detach());

/**
 * Keys are compared by value: strings, numbers (as in a `Map`, NaN is NaN and 0 is -0), bigints, bytes by
 * content; a number is never a string. Values come back as copies.
 */
export class SharedMap<K = MapKey, V = unknown> implements Disposable {
  readonly #attachment: Attachment;
  readonly #batch: Batch;
  readonly #near: NearCache | null;
  readonly #ttl: number;
  readonly #counters: Counters;
  readonly #registration: { unregister(): void };
  #isClosed = false;

  private constructor(attachment: Attachment) {
    this.#attachment = attachment;
    const { nearCache, ttl } = attachment.handle.settings;
    this.#near = nearCache === 0 ? null : new NearCache(attachment, nearCache);
    this.#ttl = ttl;
    this.#batch = new Batch(attachment);
    this.#registration = register(this);
    // structuredClone and postMessage would make an empty object of it: what they take is `handle`.
    markAsUncloneable(this);
    const counters = new Counters(attachment);
    this.#counters = counters;
    const leave = () => {
      counters.close();
      attachment.detach();
    };
    forgotten.register(this, leave, this);
  }

  /**
   * A new map whose values a codec stores, attached in this thread.
   * @throws OPTION_INVALID, MEMORY_UNAVAILABLE
   */
  static create<K = MapKey, V = unknown>(
    options: SharedMapOptions & TestOptions & WithCodec & KeyCodecFor<K>,
  ): SharedMap<K, V>;
  /**
   * A new map of what it stores by itself, attached in this thread.
   * @throws OPTION_INVALID, MEMORY_UNAVAILABLE
   */
  static create<K extends MapKey = MapKey, V extends MapValue = MapValue>(
    options?: SharedMapOptions & TestOptions,
  ): SharedMap<K, V>;
  /**
   * A new map, attached in this thread. Keys and values of types that it does not store by itself need their codecs.
   * @throws OPTION_INVALID, MEMORY_UNAVAILABLE
   */
  static create<K = MapKey, V = MapValue>(
    ...options: Given<SharedMapOptions & TestOptions & CodecsFor<K, V>>
  ): SharedMap<K, V>;
  static create<K, V>(options: SharedMapOptions & TestOptions = {}): SharedMap<K, V> {
    const settings = settingsOf(options);
    const geometry = geometryOf({
      maxBytes: settings.maxBytes,
      maxThreads: settings.maxThreads,
      evicts: settings.eviction === "sieve",
      groupBits: options.groupBits ?? 7,
    });
    const useWasm = options.core !== "typescript" && wasmEngine !== undefined;
    const attachment = new Attachment(createHandle(settings, geometry, useWasm), options);
    if (attachment.core.create(attachment.lane) === 0) attachment.fail(attachment.found);
    return new SharedMap<K, V>(attachment);
  }

  /**
   * The map that a handle from another thread names; its values are stored by a codec.
   * @throws HANDLE_FOREIGN, VERSION_MISMATCH, CODEC_MISMATCH, TOO_MANY_THREADS
   */
  static attach<K = MapKey, V = unknown>(
    handle: SharedMapHandle,
    options: AttachOptions & WithCodec & KeyCodecFor<K>,
  ): SharedMap<K, V>;
  /**
   * The map that a handle from another thread names, of what it stores by itself.
   * @throws HANDLE_FOREIGN, VERSION_MISMATCH, CODEC_MISMATCH, TOO_MANY_THREADS
   */
  static attach<K extends MapKey = MapKey, V extends MapValue = MapValue>(
    handle: SharedMapHandle,
    options?: AttachOptions,
  ): SharedMap<K, V>;
  /**
   * The map that a handle from another thread names. Keys and values of types that it does not store by itself need their codecs.
   * @throws HANDLE_FOREIGN, VERSION_MISMATCH, CODEC_MISMATCH, TOO_MANY_THREADS
   */
  static attach<K = MapKey, V = MapValue>(
    handle: SharedMapHandle,
    ...options: Given<AttachOptions & CodecsFor<K, V>>
  ): SharedMap<K, V>;
  static attach<K, V>(handle: SharedMapHandle, options: AttachOptions = {}): SharedMap<K, V> {
    const checked = checkHandle(handle);
    checkCodecs(checked.settings, options);
    return new SharedMap<K, V>(new Attachment(checked, options));
  }

  /**
   * For `workerData` or `postMessage`.
   * @throws MAP_CLOSED
   */
  get handle(): SharedMapHandle {
    if (this.#isClosed) throw mapClosed();
    return this.#attachment.handle;
  }

  /**
   * The value, or undefined.
   * @throws KEY_TOO_LONG, KEY_UNSUPPORTED, CODEC_FAILED, MAP_CLOSED
   */
  get(key: K): V | undefined {
    if (this.#near !== null && (typeof key === "string" || typeof key === "number")) {
      return this.#near.get(key) as V | undefined;
    }
    return this.#attachment.read(key, undefined) as V | undefined;
  }

  /** @throws KEY_TOO_LONG, KEY_UNSUPPORTED, CODEC_FAILED, MAP_CLOSED */
  has(key: K): boolean {
    if (this.#near !== null && (typeof key === "string" || typeof key === "number")) {
      return this.#near.has(key);
    }
    return this.#attachment.contains(key);
  }

  /**
   * The values of many keys, in their order, in less time than as many calls of `get`: what is not in the processor's
   * cache is waited for together. Each key is read by itself, at a moment within the call. Strings of one call may
   * share memory: one that is kept keeps up to 32 others.
   * @throws OPTION_INVALID, and what `get` throws
   */
  getMany(keys: Iterable<K>): (V | undefined)[] {
    return this.#batch.values(listOf(keys)) as (V | undefined)[];
  }

  /**
   * Whether each of many keys is there, as `getMany` reads them.
   * @throws OPTION_INVALID, and what `has` throws
   */
  hasMany(keys: Iterable<K>): boolean[] {
    return this.#batch.contains(listOf(keys));
  }

  /**
   * @throws KEY_TOO_LONG, KEY_UNSUPPORTED, VALUE_TOO_LARGE, VALUE_UNSUPPORTED, CODEC_FAILED, MAP_FULL, MAP_BUSY,
   * COUNTER_FIXED, OPTION_INVALID, MAP_CLOSED; the map is unchanged then
   */
  set(key: K, value: V, options?: SetOptions): this {
    const ttl = ttlOf(options);
    if (ttl !== "keep") {
      this.#write(key, value, this.#expiry(ttl), ANYTHING, 0, 0);
      return this;
    }
    const attachment = this.#attachment;
    return persist(attachment, key, () => {
      const meta = attachment.readMeta(key);
      if (meta === ABSENT) return this.#write(key, value, this.#expiry(ttl), NOTHING, 0, 0) ? this : conflict;
      const { found, foundGeneration, foundExpiry } = attachment;
      const integer = attachment.values.skip(meta);
      return this.#write(key, value, foundExpiry, found, foundGeneration, integer) ? this : conflict;
    });
  }

  /** When an entry ends that is made now. */
  #expiry(ttl: number | "keep" | undefined): number {
    return this.#attachment.expiryAfter(typeof ttl === "number" ? ttl : this.#ttl);
  }

  /** Returns false when what is there is not as expected. */
  #write(key: K, value: V, expiry: number, expected: number, generation: number, integer: number): boolean {
    const attachment = this.#attachment;
    const storable = attachment.values.storable(value);
    const keyMeta = attachment.putKey(key);
    const valueMeta = attachment.values.put(storable);
    return attachment.write(keyMeta, valueMeta, expiry, expected, generation, integer) !== CONFLICT;
  }

  /**
   * Whether the key was there. A counter with handles becomes 0 and stays.
   * @throws KEY_TOO_LONG, KEY_UNSUPPORTED, CODEC_FAILED, MAP_BUSY, MAP_CLOSED
   */
  delete(key: K): boolean {
    return this.#remove(key, ANYTHING, 0, 0) === 0;
  }

  #remove(key: K, expected: number, generation: number, integer: number): number {
    const attachment = this.#attachment;
    const keyMeta = attachment.putKey(key);
    const now = attachment.now();
    const result = attachment.core.remove(attachment.lane, keyMeta, expected, generation, integer, now);
    return result === BUSY ? attachment.fail(result) : result;
  }

  /**
   * Takes out every entry that is there now, one after the other; what others add meanwhile may stay.
   * @throws MAP_BUSY, MAP_CLOSED
   */
  clear(): void {
    const attachment = this.#attachment;
    const result = attachment.core.clear(attachment.lane);
    if (result !== 0) attachment.fail(result);
  }

  /** Entries, as each thread has counted its own; expired ones count until they are met. Exact while nobody writes. */
  get size(): number {
    return this.#attachment.core.countEntries();
  }

  /**
   * Replaces the value by what `next` makes of it, as one step: `next` is called again if another thread was
   * faster. undefined, in or out, stands for no entry. Returns what `next` returned. The entry ends when it would
   * have ended, unless `options` have a ttl.
   * After 8 such attempts the key is reserved: other threads' writes to it wait until this call returns, and fail
   * with MAP_BUSY where that takes more than a second. (Where several threads reserve keys, one after the other does;
   * a call within `next` reserves none.)
   * @throws what `set` and `next` throw; the map is unchanged then
   */
  compute(key: K, next: (value: V | undefined) => V | undefined, options?: SetOptions): V | undefined {
    const attachment = this.#attachment;
    const ttl = ttlOf(options);
    const isRenewed = typeof ttl === "number";
    return persist(attachment, key, () => {
      const meta = attachment.readMeta(key);
      const { found, foundGeneration, foundExpiry } = attachment;
      const value = meta === ABSENT ? undefined : (attachment.values.take(meta) as V);
      const integer = typeof value === "number" ? value : 0;
      const expected = meta === ABSENT ? NOTHING : found;
      const made = next(value);
      if (made !== undefined) {
        const expiry = meta === ABSENT || isRenewed ? this.#expiry(ttl) : foundExpiry;
        if (this.#write(key, made, expiry, expected, foundGeneration, integer)) return made;
      } else if (this.#remove(key, expected, foundGeneration, integer) !== CONFLICT) {
        return undefined;
      }
      return conflict;
    });
  }

  /**
   * The value that is there; or `value`, which is there then.
   * @throws what `get` and `set` throw
   */
  getOrInsert(key: K, value: V, options?: SetOptions): V {
    return this.getOrInsertComputed(key, () => value, options);
  }

  /** The same for a value that is made only if it is needed; then it may be made by more than one thread. */
  getOrInsertComputed(key: K, make: (key: K) => V, options?: SetOptions): V {
    const ttl = ttlOf(options);
    return persist(this.#attachment, key, () => {
      const found = this.#attachment.read(key, missing);
      if (found !== missing) return found as V;
      const made = make(key);
      return this.#write(key, made, this.#expiry(ttl), NOTHING, 0, 0) ? made : conflict;
    });
  }

  /**
   * Adds to an integer and returns the sum; an absent one counts as 0. A `ttl` counts from when the key was
   * absent: `add(address, 1, { ttl: 60_000 })` counts what an address does within a minute.
   * @throws NOT_A_COUNTER, COUNTER_OVERFLOW when the sum would go beyond 2^53, and what `set` throws
   */
  add(this: TakesNumbers<K>, key: K, delta?: number, options?: SetOptions): number;
  add(key: K, delta = 1, options?: SetOptions): number {
    const attachment = this.#attachment;
    if (!Number.isSafeInteger(delta)) throw notAnInteger(delta);
    const expiry = this.#expiry(ttlOf(options));
    const keyMeta = attachment.putKey(key);
    const result = attachment.core.add(attachment.lane, keyMeta, delta, expiry, attachment.now());
    return result === 0 ? attachment.scratch.takeNumber() : attachment.fail(result);
  }

  /**
   * A handle to an integer, for adding to it in about the time of one atomic instruction. Makes the counter if
   * the key is absent. Close it when it is not used any more: `using`, or `close()`.
   * @throws NOT_A_COUNTER, and what `set` throws
   */
  counter(this: TakesNumbers<K>, key: K): Counter;
  counter(key: K): Counter {
    return this.#keep(this.#counters.get(key));
  }

  #keep<T extends object>(part: T): T {
    mapsOf.set(part, this);
    return part;
  }

  /**
   * Has the entry live `ttl` milliseconds from now, by default the map's ttl, with its value as it is. Whether the
   * key was there. A counter with handles lives for ever all the same.
   * @throws KEY_TOO_LONG, KEY_UNSUPPORTED, CODEC_FAILED, MAP_FULL, MAP_BUSY, OPTION_INVALID, MAP_CLOSED
   */
  touch(key: K, ttl?: number): boolean {
    const attachment = this.#attachment;
    const given = ttlOf({ ttl });
    if (given === "keep") return attachment.contains(key);
    return persist(attachment, key, () => {
      const result = attachment.rewrite(key, this.#expiry(given));
      return result === CONFLICT ? conflict : result !== ABSENT;
    });
  }

  /** Milliseconds that the entry lives on: Infinity for one without end, undefined for none. */
  expiresIn(key: K): number | undefined {
    const attachment = this.#attachment;
    const now = attachment.now();
    const meta = attachment.readMeta(key);
    if (meta === ABSENT) return undefined;
    const { foundExpiry } = attachment;
    attachment.values.skip(meta);
    return foundExpiry === 0 ? Number.POSITIVE_INFINITY : foundExpiry - now;
  }

  /**
   * A walk over the entries that makes no object for a step but the key and value, and can be used again.
   * @param parts `keys` spares reading values. Default `entries`.
   */
  cursor(parts: "keys" | "entries" = "entries"): Cursor<K, V> {
    return this.#keep(new Cursor<K, V>(this.#attachment, parts));
  }

  keys(): IteratorObject<K, undefined> {
    return new CursorIterator(this.cursor("keys"), (cursor) => cursor.key);
  }

  values(): IteratorObject<V, undefined> {
    return new CursorIterator(this.cursor(), (cursor) => cursor.value);
  }

  entries(): IteratorObject<[K, V], undefined> {
    return new CursorIterator(this.cursor(), (cursor): [K, V] => [cursor.key, cursor.value]);
  }

  [Symbol.iterator](): IteratorObject<[K, V], undefined> {
    return this.entries();
  }

  forEach(callback: (value: V, key: K, map: this) => void, thisArg?: unknown): void {
    const cursor = this.cursor();
    while (cursor.next()) callback.call(thisArg, cursor.value, cursor.key, this);
  }

  get [Symbol.toStringTag](): string {
    return "SharedMap";
  }

  /** @throws MAP_CLOSED */
  stats(): SharedMapStats {
    return readStats(this.#attachment);
  }

  /**
   * Goes through the whole memory and compares what must agree. Only while no thread works with the map; a
   * look for tests and for the curious.
   * @throws MAP_CORRUPT, MAP_CLOSED
   */
  check(): CheckReport {
    this.#attachment.recoverDead();
    return checkMemory(this.#attachment);
  }

  /**
   * Has this thread recover what a worker leaves as soon as it hears of its end. Only for workers that it started
   * before it loaded this package: it knows of those that it starts afterwards. On Linux nothing is lost without:
   * whoever needs what an ended thread held recovers it.
   */
  guard(worker: Worker): void {
    watch(worker);
  }

  /** @internal For threads that have ended. */
  recoverDead(): void {
    this.#attachment.recoverDead();
  }

  /** Leaves the map to the other threads. Its memory goes when the last has closed or forgotten it. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#registration.unregister();
    forgotten.unregister(this);
    this.#counters.close();
    this.#attachment.detach();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
