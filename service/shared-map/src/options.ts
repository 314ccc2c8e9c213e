/** What a map is created with, checked, and what of it travels in the handle. */
import { baseErrors, type Clock } from "@cupel/base";
import type { Codec } from "./codec.ts";
import { sharedMapErrors } from "./errors.ts";
import { maxBytesLimit, minBytes } from "./geometry.ts";
import { processClock } from "./process-clock.ts";

export interface SharedMapOptions {
  /**
   * Memory for entries and the table, bytes; reserved at once, taken from the system as it is touched. Default 64 MiB, at least
   * 1 MiB, at most what 32-bit addresses reach (4 GiB).
   */
  readonly maxBytes?: number | undefined;
  /**
   * Entries that the map may have, expired ones that nobody has met included; a write beyond them does what it does when
   * memory is full. Threads that add at the same moment may add one each. Default: as many as there is memory for.
   */
  readonly maxEntries?: number | undefined;
  /**
   * What a write does when memory is full: `none` refuses it with MAP_FULL; `sieve` evicts entries that were
   * not read lately. Default `none`: nothing is lost that was not deleted.
   */
  readonly eviction?: "none" | "sieve" | undefined;
  /** Bytes that a value may have, as stored. Default a quarter of maxBytes, at most 128 MiB. */
  readonly maxValueBytes?: number | undefined;
  /** Milliseconds that entries live unless their `set` says otherwise. Default: for ever. */
  readonly ttl?: number | undefined;
  /**
   * Share of a ttl, from 0 to 1, by which it may be shortened at random, so that entries written together do not end together:
   * with 0.1 an entry with a ttl of 100 lives 90 to 100. For every ttl, the map's and those of calls. Default 0.
   */
  readonly ttlJitter?: number | undefined;
  /** What `ttlJitter` draws from, in this thread: 0 or more, below 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /**
   * Milliseconds that an entry is kept beyond its ttl for `fetch`, which hands it out as stale while it is loaded anew; no other
   * call sees it, though `size` counts it. Where memory is short it goes first. Infinity: until then. Default 0.
   */
  readonly staleFor?: number | undefined;
  /** For values that are not strings, numbers, bigints, booleans, null, undefined or bytes. Default: none. */
  readonly codec?: Codec | undefined;
  /** For keys that are not strings, numbers, bigints or bytes. Default: none. */
  readonly keyCodec?: Codec | undefined;
  /**
   * Decoded values that each thread keeps, for `get` and `has` of keys that are strings or numbers. A kept value is
   * handed out only while it is current, and then as the same object: do not change it. Writes cost an atomic addition
   * more. Default 0: none.
   */
  readonly nearCache?: number | undefined;
  /** How often the map can be attached at a time. Default 64, at most 1024. */
  readonly maxThreads?: number | undefined;
  /** Its `monotonic` is what entries expire by: MUST be the same in all threads. Default the process's. */
  readonly clock?: Clock | undefined;
}

export interface AttachOptions {
  /** MUST be the codecs that the map was created with. */
  readonly codec?: Codec | undefined;
  readonly keyCodec?: Codec | undefined;
  /** As of `create`: each thread draws by itself. */
  readonly random?: (() => number) | undefined;
  /** MUST tell what the clock of the other threads tells. Default the process's. */
  readonly clock?: Clock | undefined;
}

export interface SetOptions {
  /**
   * Milliseconds that the entry lives from now; Infinity: for ever; `keep`: as long as what it replaces, and the
   * map's ttl where there is nothing to replace. Default: the map's; of `compute`, `keep`.
   */
  readonly ttl?: number | "keep" | undefined;
}

/** @internal For tests. */
export interface TestOptions {
  readonly groupBits?: number;
  readonly core?: "wasm" | "typescript";
}

/** What every thread must agree on. */
export interface MapSettings {
  readonly maxBytes: number;
  /** 0: no limit. */
  readonly maxEntries: number;
  readonly eviction: "none" | "sieve";
  readonly maxValueBytes: number;
  readonly ttl: number;
  readonly staleFor: number;
  readonly ttlJitter: number;
  readonly nearCache: number;
  readonly maxThreads: number;
  readonly codec: string | null;
  readonly keyCodec: string | null;
}

const mebibyte = 2 ** 20;
/** Lengths travel in 28 bits. */
const maxValueBytesLimit = 128 * mebibyte;
const maxThreadsLimit = 1024;

export function settingsOf(options: SharedMapOptions): MapSettings {
  const maxBytes = whole("maxBytes", options.maxBytes ?? 64 * mebibyte, minBytes, maxBytesLimit);
  const { eviction = "none", ttl } = options;
  if (eviction !== "none" && eviction !== "sieve") throw invalid("eviction", eviction, '"none" or "sieve"');
  return {
    maxBytes,
    maxEntries: options.maxEntries === undefined ? 0 : whole("maxEntries", options.maxEntries, 1, 2 ** 30),
    eviction,
    maxValueBytes: whole(
      "maxValueBytes",
      options.maxValueBytes ?? Math.min(Math.floor(maxBytes / 4), maxValueBytesLimit),
      1,
      maxValueBytesLimit,
    ),
    ttl: ttl === undefined ? 0 : checkTtl(ttl),
    staleFor: checkStaleFor(options.staleFor ?? 0),
    ttlJitter: checkShare("ttlJitter", options.ttlJitter ?? 0),
    nearCache: whole("nearCache", options.nearCache ?? 0, 0, 2 ** 24),
    maxThreads: whole("maxThreads", options.maxThreads ?? 64, 1, maxThreadsLimit),
    codec: options.codec?.name ?? null,
    keyCodec: options.keyCodec?.name ?? null,
  };
}

/** How long a call has an entry live: its own ttl, or "keep", or undefined for what the call's doc says. */
export function ttlOf(options: SetOptions | undefined): number | "keep" | undefined {
  if (options === undefined) return undefined;
  checkObject(options);
  const { ttl } = options;
  return ttl === undefined || ttl === "keep" ? ttl : checkTtl(ttl);
}

export function checkObject(options: object): void {
  if (typeof options !== "object" || options === null) {
    throw invalid("options", options, `an object such as { ttl: 5000 }`);
  }
}

/** Milliseconds, more than 0; Infinity, which is told as 0, for no end. */
export function checkTtl(ttl: number): number {
  if (typeof ttl !== "number" || !(ttl > 0))
    throw invalid("ttl", ttl, 'a number of milliseconds above 0, or "keep"');
  return ttl === Number.POSITIVE_INFINITY ? 0 : ttl;
}

function checkStaleFor(staleFor: number): number {
  if (typeof staleFor === "number" && staleFor >= 0) return staleFor;
  throw invalid("staleFor", staleFor, "a number of milliseconds, 0 or more");
}

function checkShare(name: string, share: number): number {
  if (typeof share === "number" && share >= 0 && share <= 1) return share;
  throw invalid(name, share, "a number from 0 to 1");
}

export function checkCodecs(settings: MapSettings, options: AttachOptions): void {
  for (const name of ["codec", "keyCodec"] as const) {
    const given = options[name]?.name ?? null;
    if (given === settings[name]) continue;
    const has = settings[name] === null ? "no" : `the`;
    throw sharedMapErrors.error(
      "CODEC_MISMATCH",
      `The map was created with ${has} ${name}${settings[name] === null ? "" : ` "${settings[name]}"`}, but is attached with ${given === null ? "none" : `"${given}"`}. Pass the same ${name} to attach.`,
      { details: { expected: settings[name], given } },
    );
  }
}

export function clockOf(options: AttachOptions): Clock {
  return options.clock ?? processClock;
}

/** What is iterated over may be the user's code: that is done with before the first key is looked for. */
export function listOf<T>(things: Iterable<T>, name = "keys"): T[] {
  if (typeof things !== "string" && typeof things?.[Symbol.iterator] === "function") return [...things];
  throw invalid(name, things, `an array, or another iterable, of ${name}`);
}

export function pairsOf<K, V>(entries: Iterable<readonly [K, V]>): (readonly [K, V])[] {
  return listOf(entries, "entries").map((entry, i) => {
    if (typeof entry === "object" && entry !== null) return [entry[0], entry[1]];
    throw invalid(`entry ${i}`, entry, "a key and a value, as [key, value]");
  });
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(name, value, `a whole number from ${least} to ${most}`);
}

export function invalid(name: string, value: unknown, expected: string): Error {
  return baseErrors.error("OPTION_INVALID", `${name} is ${String(value)}. It takes ${expected}.`, {
    details: { option: name },
  });
}
