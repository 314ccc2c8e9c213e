/**
 * `fetch`: the value of a key, loaded if it is absent, by one thread at a time however many want it. Within a thread
 * callers share one `Load`; among threads the one that loads has a claim (`core/claims.ts`), and the others wait until it
 * is given back, and look again. No lock is held while a loader runs.
 */
import { CupelError } from "@cupel/base";
import type { Attachment } from "./attachment.ts";
import {
  ABSENT,
  CLAIM_TICKET,
  CLAIMED,
  CONFLICT,
  LOAD_FAILURES,
  LOADS,
  NOTHING,
  OUTDATED,
  UNSTORED,
} from "./core/layout.ts";
import { mapClosed } from "./core-failure.ts";
import { missing } from "./cursor.ts";
import { sharedMapErrors } from "./errors.ts";
import { type FetchOptions, type FetchSettings, fetchSettingsOf, type Loader } from "./fetch-options.ts";
import { Load } from "./load.ts";
import { expiryOf, removeKey, writeValue } from "./update.ts";

/** What a dead thread claims nobody gives back: so often waiters look whether it has ended, milliseconds. */
const RECHECK_MS = 100;
/** A cache that cannot keep a value gives it all the same. What is wrong with the value itself is told. */
const givenAnyhow: ReadonlySet<string> = new Set(["MAP_FULL", "MAP_BUSY", "VALUE_TOO_LARGE"]);

/** Of `setTimeout`, milliseconds. */
const longestTimer = 2 ** 31 - 1;

interface Request<K, V> {
  readonly map: Readable<K, V>;
  readonly key: K;
  readonly loader: Loader<K, V>;
  readonly settings: FetchSettings;
  /** What is handed to the loader if the key is absent: a value that has expired, or `missing`. */
  readonly stale: unknown;
}

/** The map, which is not to be collected while a load is under way. */
interface Readable<K, V> {
  get(key: K): V | undefined;
}

/** What the key had when an unclaimed load began. */
interface Start {
  readonly expected: number;
  readonly generation: number;
  readonly integer: number;
}

export class Fetches {
  readonly #attachment: Attachment;
  /** By the text of their keys' bytes. */
  readonly #loads = new Map<string, Load>();

  constructor(attachment: Attachment) {
    this.#attachment = attachment;
  }

  async fetch<K, V>(
    map: Readable<K, V>,
    key: K,
    loader: Loader<K, V>,
    options: FetchOptions,
  ): Promise<unknown> {
    const settings = fetchSettingsOf(loader, options);
    const { signal } = settings;
    signal?.throwIfAborted();
    if (!settings.isForced) {
      const value = map.get(key);
      if (value !== undefined) return value;
      // It may be there with undefined as its value, or since that look.
      const present = this.#peek(key);
      if (present !== missing) return present;
    }
    const content = this.#attachment.contentOf(key);
    const running = this.#loads.get(content);
    const isRunning = running !== undefined && this.#isCurrent(running);
    const stale = this.#peekStale(key);
    const request = { map, key, loader, settings, stale };
    if (stale !== missing && settings.allowStale && !settings.isForced) {
      if (!isRunning) this.#refresh(content, request);
      return stale;
    }
    const load = isRunning ? running : new Load(false);
    const promise = load.join(signal);
    if (!isRunning) this.#start(content, load, request);
    if (stale === missing || !settings.allowStaleOnFetchRejection) return promise;
    return promise.catch((reason) => {
      signal?.throwIfAborted();
      // Of a map that was closed nothing is handed out.
      if (reason instanceof CupelError && reason.code === "MAP_CLOSED") throw reason;
      return stale;
    });
  }

  /** Loads with nobody waiting for it, if no other thread does. */
  #refresh<K, V>(content: string, request: Request<K, V>): void {
    const load = new Load(true);
    load.row = this.#claim(request.key, false);
    if (load.row !== 0 || this.#attachment.found === 0) this.#start(content, load, request);
  }

  #start<K, V>(content: string, load: Load, request: Request<K, V>): void {
    this.#loads.set(content, load);
    this.#run(load, request)
      .then(
        (value) => load.end(() => load.resolve(value)),
        (reason) => load.fail(reason),
      )
      .finally(() => {
        if (this.#loads.get(content) === load) this.#loads.delete(content);
      });
  }

  /** The row, or 0; then `found` is that of who has claimed the key, or 0. */
  #claim(key: unknown, insists: boolean): number {
    const { core, lane } = this.#attachment;
    return core.claim(lane, this.#attachment.putKey(key), Number(insists));
  }

  /** Whether nobody has written the key since the load began. */
  #isCurrent(load: Load): boolean {
    if (load.hasEnded) return false;
    return load.row === 0 || this.#ticket(load.row) === load.ticket;
  }

  async #run<K, V>(load: Load, request: Request<K, V>): Promise<unknown> {
    const { key } = request;
    const { isForced, timeout } = request.settings;
    const attachment = this.#attachment;
    const before = this.#entryOf(key);
    try {
      let insists = false;
      while (load.row === 0) {
        load.row = this.#claim(key, insists);
        const other = attachment.found;
        if (load.row !== 0 || other === 0 || insists) break;
        insists = !(await this.#awaitClaim(other, load, timeout));
        if (load.hasEnded) return undefined;
        if (!isForced || this.#entryOf(key) !== before) {
          const loaded = this.#peek(key);
          if (loaded !== missing) return loaded;
        }
      }
      if (load.row !== 0) load.ticket = this.#ticket(load.row) & ~OUTDATED;
      const current = this.#peek(key);
      // Another thread stored it between the look and the claim.
      if (current !== missing && !isForced) return current;
      return await this.#load(load, request, current);
    } finally {
      this.#release(load);
    }
  }

  /** Names the entry that a key has. */
  #entryOf(key: unknown): string {
    const attachment = this.#attachment;
    const meta = attachment.peekMeta(key);
    if (meta === ABSENT) return "";
    attachment.values.skip(meta);
    return `${attachment.found} ${attachment.foundGeneration}`;
  }

  #ticket(row: number): number {
    return Atomics.load(this.#attachment.words, (row + CLAIM_TICKET) >> 2);
  }

  #release(load: Load): void {
    const { row } = load;
    load.row = 0;
    if (row !== 0) this.#attachment.core.unclaim(this.#attachment.lane, row);
  }

  /** Waits while another thread has the claim, and it is worth waiting for. False when that took too long. */
  async #awaitClaim(row: number, load: Load, timeout: number): Promise<boolean> {
    const { words, core, lane } = this.#attachment;
    const index = (row + CLAIM_TICKET) >> 2;
    const ticket = Atomics.load(words, index);
    const until = performance.now() + timeout;
    // Waiting keeps no event loop alive; a timer does.
    const hold = setInterval(() => {}, RECHECK_MS * 100);
    try {
      while (ticket !== 0 && (ticket & OUTDATED) === 0 && Atomics.load(words, index) === ticket) {
        const left = until - performance.now();
        if (left <= 0) return false;
        const waiting = Atomics.waitAsync(words, index, ticket, Math.min(RECHECK_MS, left));
        if (!waiting.async) continue;
        const outcome = await Promise.race([waiting.value, load.result]);
        if (load.hasEnded) return true;
        if (outcome === "timed-out") core.recoverClaimant(lane, row);
      }
      return true;
    } finally {
      clearInterval(hold);
    }
  }

  async #load<K, V>(load: Load, request: Request<K, V>, current: unknown): Promise<unknown> {
    const { key, loader } = request;
    const { timeout } = request.settings;
    const start = this.#startOf(key, load);
    const replaced = current === missing ? request.stale : current;
    const staleValue = replaced === missing ? undefined : (replaced as V);
    const late = () => load.abort(loadTimeout(timeout));
    const timer = timeout > longestTimer ? undefined : setTimeout(late, timeout);
    this.#count(LOADS);
    try {
      const made = (async () => loader(key, staleValue, { signal: load.signal }))();
      // Aborted, it is not waited for: others may go on.
      const value = await Promise.race([made, load.result]);
      return load.hasEnded ? undefined : this.#store(request, load, start, value, replaced !== missing);
    } catch (thrown) {
      this.#count(LOAD_FAILURES);
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  #count(statistic: number): void {
    const { doubles, lane } = this.#attachment;
    // Once the map is closed there is nothing to count in.
    if (doubles.length > 0) doubles[(lane + statistic) >> 3]! += 1;
  }

  /** What a write of the load expects: that the claim stands, or, without one, that the key has what it has now. */
  #startOf(key: unknown, load: Load): Start {
    if (load.row !== 0) return { expected: CLAIMED, generation: load.row, integer: 0 };
    const meta = this.#attachment.peekMeta(key);
    if (meta === ABSENT) return { expected: NOTHING, generation: 0, integer: 0 };
    const { found, foundGeneration } = this.#attachment;
    return { expected: found, generation: foundGeneration, integer: this.#attachment.values.skip(meta) };
  }

  /** Stores what was loaded, unless the key was written meanwhile: then that is the value. */
  #store<K, V>(
    { key, settings }: Request<K, V>,
    load: Load,
    { expected, generation, integer }: Start,
    value: unknown,
    replaces: boolean,
  ): unknown {
    const attachment = this.#attachment;
    if (value === undefined && !replaces) return undefined;
    try {
      const isStored =
        value === undefined
          ? removeKey(attachment, key, expected, generation, integer) !== CONFLICT
          : writeValue(
              attachment,
              key,
              value,
              expiryOf(attachment, settings.ttl),
              expected,
              generation,
              integer,
            );
      if (isStored || load.hasEnded) return value;
    } catch (thrown) {
      if (!(thrown instanceof CupelError && givenAnyhow.has(thrown.code))) throw thrown;
      this.#count(UNSTORED);
      return value;
    }
    const newer = this.#peek(key);
    return newer === missing ? value : newer;
  }

  #peek(key: unknown): unknown {
    const meta = this.#attachment.peekMeta(key);
    return meta === ABSENT ? missing : this.#attachment.values.take(meta);
  }

  /** A value that the key has or had lately enough: as of a moment before. */
  #peekStale(key: unknown): unknown {
    const attachment = this.#attachment;
    const { staleFor } = attachment.handle.settings;
    const now = attachment.now();
    if (staleFor === 0 || now === 0) return missing;
    const meta = attachment.core.peek(attachment.lane, attachment.putKey(key), now - staleFor);
    return meta === ABSENT ? missing : attachment.values.take(meta);
  }

  /** Ends all loads: what waits for them fails with MAP_CLOSED. */
  close(): void {
    for (const load of this.#loads.values()) {
      this.#release(load);
      load.abort(mapClosed());
    }
    this.#loads.clear();
  }
}

function loadTimeout(timeout: number): Error {
  return sharedMapErrors.error(
    "LOAD_TIMEOUT",
    `The loader took longer than ${timeout} ms; its signal is aborted and nothing was stored. Fetch again, or allow it more with { timeout }.`,
    { details: { timeout } },
  );
}
