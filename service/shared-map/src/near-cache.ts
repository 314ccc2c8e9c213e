/**
 * Values that this thread has decoded lately. One is handed out only if it is still what the map has, so a hit is as
 * current as a read of the map; what it saves is finding and decoding.
 *
 * Two questions tell. Has anybody written to a key whose hash begins with the same bits (`core/versions.ts`)? That is
 * one load. If so: is the entry still the same block?
 */
import type { Attachment } from "./attachment.ts";
import { ABSENT, HITS, SWEEPS } from "./core/layout.ts";
import { isIntegerMeta } from "./value-type.ts";

interface NearEntry {
  readonly value: unknown;
  /** The place of its version among the memory's words, and what it was; 0 when the key may have been being written to. */
  place: number;
  version: number;
  readonly expiry: number;
  /** Of eviction, before the entry was last marked as read. */
  sweeps: number;
  /** The block that it was read from, its number, and the memory's layout before. */
  readonly block: number;
  readonly generation: number;
  readonly layout: number;
}

export class NearCache {
  readonly #attachment: Attachment;
  readonly #entries = new Map<string | number, NearEntry>();
  readonly #capacity: number;
  readonly #evicts: boolean;
  readonly #hits: number;

  constructor(attachment: Attachment, capacity: number) {
    this.#attachment = attachment;
    this.#capacity = capacity;
    this.#evicts = attachment.handle.settings.eviction !== "none";
    this.#hits = (attachment.lane + HITS) >> 3;
  }

  /** What a read of the map gives at this moment, or undefined. */
  get(key: string | number): unknown {
    const kept = this.#entries.get(key);
    return kept !== undefined && this.#holds(kept) ? kept.value : this.#read(key, kept);
  }

  has(key: string | number): boolean {
    const kept = this.#entries.get(key);
    return (kept !== undefined && this.#holds(kept)) || this.#attachment.contains(key);
  }

  /** Keeps nothing any more. */
  clear(): void {
    this.#entries.clear();
  }

  #holds(kept: NearEntry): boolean {
    const { words, doubles } = this.#attachment;
    if (kept.expiry !== 0 && kept.expiry <= this.#attachment.now()) return false;
    const isUnchanged =
      Atomics.load(words, kept.place) === kept.version &&
      kept.place !== 0 &&
      // What is read wants its mark, which eviction may have taken away.
      !(this.#evicts && Atomics.load(words, SWEEPS >> 2) !== kept.sweeps);
    if (!isUnchanged) return this.#isCurrent(kept);
    doubles[this.#hits]! += 1;
    return true;
  }

  #isCurrent(kept: NearEntry): boolean {
    const attachment = this.#attachment;
    const { sweeps } = attachment;
    const { block, generation, layout } = kept;
    if (attachment.core.isCurrent(attachment.lane, block, generation, layout) === 0) return false;
    kept.place = attachment.foundVersionAddress >> 2;
    kept.version = attachment.foundVersion;
    kept.sweeps = sweeps;
    return true;
  }

  #read(key: string | number, kept: NearEntry | undefined): unknown {
    const attachment = this.#attachment;
    const { layout, sweeps } = attachment;
    const meta = attachment.readNoted(key);
    if (meta === ABSENT) {
      if (kept !== undefined) this.#entries.delete(key);
      return undefined;
    }
    // An integer changes in place: what is decoded of it is old at once.
    if (isIntegerMeta(meta)) return attachment.values.take(meta);
    const { found: block, foundGeneration: generation, foundExpiry: expiry } = attachment;
    const { foundVersionAddress, foundVersion: version } = attachment;
    const place = foundVersionAddress >> 2;
    const value = attachment.values.take(meta);
    this.#put(key, { value, place, version, expiry, sweeps, block, generation, layout });
    return value;
  }

  /** Takes the place of the oldest when there is no room. */
  #put(key: string | number, entry: NearEntry): void {
    if (this.#entries.size >= this.#capacity && !this.#entries.has(key)) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    this.#entries.set(key, entry);
  }
}
