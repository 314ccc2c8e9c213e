/**
 * Values that this thread has decoded lately. One is handed out only if the core says that it is still what the map
 * has, so a hit is as current as a read of the map; what it saves is finding and decoding.
 *
 * Two questions tell. Has anybody written to the segment since? That is answered from a line of memory that all
 * keys of a segment share, mostly in the processor's cache. If so: is the entry still the same block?
 */
import type { Attachment } from "./attachment.ts";
import { ABSENT } from "./core/layout.ts";
import { isIntegerMeta } from "./value-type.ts";

class NearEntry {
  value: unknown = undefined;
  expiry = 0;
  /** The block that it was read from. */
  block = 0;
  generation = 0;
  /** Of the memory's layout, before it was read. */
  layout = 0;
  /** What `isUnchanged` asks for. */
  segment = 0;
  segmentGeneration = 0;
  version = 0;
  sweeps = 0;
}

export class NearCache {
  readonly #attachment: Attachment;
  readonly #entries = new Map<string | number, NearEntry>();
  readonly #capacity: number;

  constructor(attachment: Attachment, capacity: number) {
    this.#attachment = attachment;
    this.#capacity = capacity;
  }

  /** What a read of the map gives at this moment, or undefined. */
  get(key: string | number): unknown {
    const kept = this.#entries.get(key);
    if (kept !== undefined && this.#holds(kept)) return kept.value;
    return this.#read(key, kept);
  }

  has(key: string | number): boolean {
    const kept = this.#entries.get(key);
    return (kept !== undefined && this.#holds(kept)) || this.#attachment.contains(key);
  }

  #holds(kept: NearEntry): boolean {
    const attachment = this.#attachment;
    const { core, lane } = attachment;
    const { segment, segmentGeneration, version, layout, sweeps, expiry } = kept;
    if (expiry !== 0 && expiry <= attachment.now()) return false;
    if (segment !== 0 && core.isUnchanged(lane, segment, segmentGeneration, version, layout, sweeps) !== 0) {
      return true;
    }
    const newSweeps = attachment.sweeps;
    if (core.isCurrent(lane, kept.block, kept.generation, layout) === 0) return false;
    this.#note(kept, newSweeps);
    return true;
  }

  #note(kept: NearEntry, sweeps: number): void {
    const attachment = this.#attachment;
    kept.segment = attachment.foundSegment;
    kept.segmentGeneration = attachment.foundSegmentGeneration;
    kept.version = attachment.foundVersion;
    kept.sweeps = sweeps;
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
    const entry = new NearEntry();
    entry.block = attachment.found;
    entry.generation = attachment.foundGeneration;
    entry.expiry = attachment.foundExpiry;
    entry.layout = layout;
    this.#note(entry, sweeps);
    entry.value = attachment.values.take(meta);
    this.#put(key, entry);
    return entry.value;
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
