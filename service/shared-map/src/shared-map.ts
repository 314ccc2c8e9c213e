/**
 * One map that all worker threads of a process share: `SharedMap.create` in one of them, `SharedMap.attach` in
 * the others. README.md says what is guaranteed, G1 to G6.
 */
// The whole module: a Node.js that is too old lacks a name of it, and is to be told so in a sentence.
import workerThreads, { type Worker } from "node:worker_threads";
import type { Attachment } from "./attachment.ts";
import { Batch } from "./batch.ts";
import { type CheckReport, checkMemory } from "./check.ts";
import { ANYTHING, BATCH_ROWS } from "./core/layout.ts";
import { mapClosed } from "./core-failure.ts";
import type { Counter } from "./counter.ts";
import { Counters } from "./counters.ts";
import { Cursor, CursorIterator } from "./cursor.ts";
import { register, watch } from "./dead-threads.ts";
import { Fetches } from "./fetch.ts";
import type { FetchOptions, LoadContext } from "./fetch-options.ts";
import type { SharedMapHandle } from "./handle.ts";
import { keepOpen, whenClosed, whenForgotten } from "./lifetime.ts";
import { type EvictionEvent, Listeners } from "./listeners.ts";
import { NearCache } from "./near-cache.ts";
import { attachMap, createMap } from "./open.ts";
import {
  type AttachOptions,
  listOf,
  pairsOf,
  type SetOptions,
  type SharedMapOptions,
  type TestOptions,
  ttlOf,
} from "./options.ts";
import { readStats, type SharedMapStats } from "./stats.ts";
import type { CodecsFor, Given, KeyCodecFor, MapKey, MapValue, TakesNumbers, WithCodec } from "./storable.ts";
import * as update from "./update.ts";

/**
 * Keys are compared by value: strings, numbers (as in a `Map`, NaN is NaN and 0 is -0), bigints, bytes by
 * content; a number is never a string. Values come back as copies.
 */
export class SharedMap<K = MapKey, V = unknown> implements Disposable {
  readonly #attachment: Attachment;
  readonly #batch: Batch;
  readonly #near: NearCache | null;
  readonly #counters: Counters;
  readonly #fetches: Fetches;
  readonly #listeners: Listeners;
  readonly #registration: { unregister(): void };
  #isClosed = false;

  private constructor(attachment: Attachment) {
    this.#attachment = attachment;
    const { nearCache } = attachment.handle.settings;
    this.#near = nearCache === 0 ? null : new NearCache(attachment, nearCache);
    this.#batch = new Batch(attachment);
    this.#registration = register(this);
    // structuredClone and postMessage would make an empty object of it: what they take is `handle`.
    workerThreads.markAsUncloneable(this);
    const counters = new Counters(attachment);
    this.#counters = counters;
    this.#fetches = new Fetches(attachment);
    this.#listeners = new Listeners(attachment);
    whenForgotten(this, () => {
      counters.close();
      attachment.detach();
    });
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
    return new SharedMap<K, V>(createMap(options));
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
    return new SharedMap<K, V>(attachMap(handle, options));
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

  /** `get` without a trace: to eviction the entry is not read, and statistics do not count it. Throws what `get` throws. */
  peek(key: K): V | undefined {
    return update.peek(this.#attachment, key) as V | undefined;
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
    const attachment = this.#attachment;
    const ttl = ttlOf(options);
    if (ttl === "keep") update.setKeeping(attachment, key, value);
    else update.writeValue(attachment, key, value, update.expiryOf(attachment, ttl), ANYTHING, 0, 0);
    return this;
  }

  /**
   * Sets many keys, in their order, in a little less time than as many calls of `set`. Each is written by itself: where one is
   * refused, those before it have been written.
   * @throws OPTION_INVALID, before anything is written, and what `set` throws
   */
  setMany(entries: Iterable<readonly [K, V]>, options?: SetOptions): this {
    const list = pairsOf(entries);
    for (let from = 0; from < list.length; from += BATCH_ROWS) {
      const part = list.slice(from, from + BATCH_ROWS);
      this.#batch.fetch(part.map(([key]) => key));
      for (const [key, value] of part) this.set(key, value, options);
    }
    return this;
  }

  /**
   * Whether the key was there. A counter with handles becomes 0 and stays.
   * @throws KEY_TOO_LONG, KEY_UNSUPPORTED, CODEC_FAILED, MAP_BUSY, MAP_CLOSED
   */
  delete(key: K): boolean {
    return update.removeKey(this.#attachment, key, ANYTHING, 0, 0) === 0;
  }

  /** Takes out every entry that is there now, one after the other; what others add meanwhile may stay. @throws MAP_BUSY, MAP_CLOSED */
  clear(): void {
    const attachment = this.#attachment;
    const result = attachment.core.clear(attachment.lane);
    if (result !== 0) attachment.fail(result);
  }

  /** Takes out all that has expired, which writes do anyhow, bit by bit; how many that was. @throws MAP_BUSY, MAP_CLOSED */
  purgeStale(): number {
    return update.purgeStale(this.#attachment);
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
    return update.compute(this.#attachment, key, next, options);
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
    return update.getOrInsertComputed(this.#attachment, key, make, options);
  }

  /** Sets the value if the key is absent; whether it was. Throws what `set` throws. */
  setIfAbsent(key: K, value: V, options?: SetOptions): boolean {
    return update.setIfAbsent(this.#attachment, key, value, options);
  }

  /**
   * Sets the value if the key has the `expected` one; whether it had. undefined stands for no entry: expected, an absent key; as
   * the value, it deletes. Values are compared as they are stored, coded ones by their bytes. Throws what `set` throws.
   */
  compareAndSet(key: K, expected: V | undefined, value: V | undefined, options?: SetOptions): boolean {
    return update.compareAndSet(this.#attachment, key, expected, value, options);
  }

  /**
   * The value; of an absent key what `loader` gives, which is stored. One thread at a time loads a key, the others wait. Nothing is
   * stored if the key was written after the load began: the callers get what is there then, or else what was loaded. Within
   * `staleFor` milliseconds after its end an entry is handed out while one load replaces it. README, "Loading", has the rest.
   * Rejects with what `loader` throws, LOAD_TIMEOUT, the signal's reason, and what `get` and `set` throw, but for MAP_FULL,
   * MAP_BUSY and VALUE_TOO_LARGE: then the value is given all the same, and counted in `stats().unstored`.
   */
  fetch<R extends V | undefined>(
    key: K,
    loader: (key: K, staleValue: V | undefined, context: LoadContext) => R | PromiseLike<R>,
    options: FetchOptions = {},
  ): Promise<V | R> {
    return this.#fetches.fetch(this, key, loader, options) as Promise<V | R>;
  }

  /**
   * Adds to an integer and returns the sum; an absent one counts as 0. A `ttl` counts from when the key was
   * absent: `add(address, 1, { ttl: 60_000 })` counts what an address does within a minute.
   * @throws NOT_A_COUNTER, COUNTER_OVERFLOW when the sum would go beyond 2^53, and what `set` throws
   */
  add(this: TakesNumbers<K>, key: K, delta?: number, options?: SetOptions): number;
  add(key: K, delta = 1, options?: SetOptions): number {
    return update.add(this.#attachment, key, delta, options);
  }

  /**
   * A handle to an integer, for adding to it in about the time of one atomic instruction. Makes the counter if
   * the key is absent. Close it when it is not used any more: `using`, or `close()`.
   * @throws NOT_A_COUNTER, and what `set` throws
   */
  counter(this: TakesNumbers<K>, key: K): Counter;
  counter(key: K): Counter {
    return keepOpen(this.#counters.get(key), this);
  }

  /**
   * Has the entry live `ttl` milliseconds from now, by default the map's ttl, with its value as it is. Whether the
   * key was there. A counter with handles lives for ever all the same.
   * @throws KEY_TOO_LONG, KEY_UNSUPPORTED, CODEC_FAILED, MAP_FULL, MAP_BUSY, OPTION_INVALID, MAP_CLOSED
   */
  touch(key: K, ttl?: number): boolean {
    return update.touch(this.#attachment, key, ttl);
  }

  /** Milliseconds that the entry lives on: Infinity for one without end, undefined for none. */
  expiresIn(key: K): number | undefined {
    return update.expiresIn(this.#attachment, key);
  }

  /**
   * A walk over the entries that makes no object for a step but the key and value, and can be used again.
   * @param parts `keys` spares reading values. Default `entries`.
   */
  cursor(parts: "keys" | "entries" = "entries"): Cursor<K, V> {
    return keepOpen(new Cursor<K, V>(this.#attachment, parts), this);
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

  /**
   * Tells `listener`, soon after, what calls of this map object evict or find expired, until what it returns is disposed of:
   * README, "Listening". @throws MAP_CLOSED
   */
  onEviction(listener: (event: EvictionEvent<K, V>) => void): Disposable {
    return this.#listeners.add(listener as (event: EvictionEvent<unknown, unknown>) => void);
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
    whenClosed(this);
    this.#fetches.close();
    this.#listeners.close();
    this.#counters.close();
    this.#near?.clear();
    this.#attachment.detach();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
