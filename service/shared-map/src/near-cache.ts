/**
 * Values that this thread has decoded lately. One is handed out only if it is still what the map has, so a hit is as
 * current as a read of the map; what it saves is finding and decoding.
 *
 * Two questions tell. Has anybody written to a key whose hash begins with the same bits (`core/versions.ts`)? That is
 * one load. If so: is the entry still the same block?
 *
 * What a hit looks at lies in columns, 16 bytes a key, not in an object for each: the processor's cache has room for more.
 */
import type { Attachment } from "./attachment.ts";
import { ABSENT, HITS } from "./core/layout.ts";
import { isIntegerMeta } from "./value-type.ts";

const leastRows = 64;

export class NearCache {
  readonly #attachment: Attachment;
  readonly #capacity: number;
  readonly #evicts: boolean;
  readonly #hits: number;
  /** The row of each key. */
  readonly #rows = new Map<string | number, number>();
  /** Columns, as long as so many rows have been needed at a time. Of a row that is free the key is undefined. */
  #keys: (string | number | undefined)[] = [];
  #values: unknown[] = [];
  /**
   * Two words a row: the address of its version, and what it was. The address is below 0 for an entry that expires, and
   * 0 for none: the key may have been being written to.
   */
  #versions = new Int32Array(0);
  #expiries = new Float64Array(0);
  /** Four words a row: block, generation, the memory's layout, and the sweeps of eviction before the entry was last marked as read. */
  #origins = new Int32Array(0);
  /** The row that is taken next: it has been there longest. */
  #next = 0;

  constructor(attachment: Attachment, capacity: number) {
    this.#attachment = attachment;
    this.#capacity = capacity;
    this.#evicts = attachment.handle.settings.eviction !== "none";
    this.#hits = (attachment.lane + HITS) >> 3;
  }

  /** What a read of the map gives at this moment, or undefined. */
  get(key: string | number): unknown {
    const row = this.#rows.get(key);
    return row !== undefined && this.#holds(row) ? this.#values[row] : this.#read(key, row);
  }

  has(key: string | number): boolean {
    const row = this.#rows.get(key);
    return (row !== undefined && this.#holds(row)) || this.#attachment.contains(key);
  }

  /** Keeps nothing any more. */
  clear(): void {
    this.#rows.clear();
    this.#keys = [];
    this.#values = [];
  }

  #holds(row: number): boolean {
    const { core, doubles } = this.#attachment;
    const versions = this.#versions;
    const address = versions[2 * row]!;
    const isUnchanged =
      core.wordAt(Math.abs(address)) === versions[2 * row + 1] &&
      (address > 0 || (address < 0 && !this.#hasExpired(row))) &&
      // What is read wants its mark, which eviction may have taken away.
      !(this.#evicts && this.#attachment.sweeps !== this.#origins[4 * row + 3]);
    if (!isUnchanged) return !this.#hasExpired(row) && this.#isCurrent(row);
    doubles[this.#hits]! += 1;
    return true;
  }

  #hasExpired(row: number): boolean {
    const expiry = this.#expiries[row]!;
    return expiry !== 0 && expiry <= this.#attachment.now();
  }

  #isCurrent(row: number): boolean {
    const attachment = this.#attachment;
    const { sweeps } = attachment;
    const origins = this.#origins;
    const at = 4 * row;
    const { core, lane } = attachment;
    if (core.isCurrent(lane, origins[at]!, origins[at + 1]!, origins[at + 2]!) === 0) return false;
    origins[at + 3] = sweeps;
    this.#note(row, attachment.foundVersionAddress, attachment.foundVersion);
    return true;
  }

  #note(row: number, address: number, version: number): void {
    this.#versions[2 * row] = this.#expiries[row] === 0 ? address : -address;
    this.#versions[2 * row + 1] = version;
  }

  #read(key: string | number, row: number | undefined): unknown {
    const attachment = this.#attachment;
    const { layout, sweeps } = attachment;
    const meta = attachment.readNoted(key);
    if (meta === ABSENT || isIntegerMeta(meta)) {
      if (row !== undefined) this.#free(row);
      // An integer changes in place: what is decoded of it is old at once.
      return meta === ABSENT ? undefined : attachment.values.take(meta);
    }
    const { found, foundGeneration, foundExpiry, foundVersionAddress, foundVersion } = attachment;
    // A codec may fail, and may use the map.
    const value = attachment.values.take(meta);
    const taken = this.#rows.get(key) ?? this.#take(key);
    this.#values[taken] = value;
    this.#expiries[taken] = foundExpiry;
    this.#origins.set([found, foundGeneration, layout, sweeps], 4 * taken);
    this.#note(taken, foundVersionAddress, foundVersion);
    return value;
  }

  /** A row for the key, in the place of the oldest when there is no other. */
  #take(key: string | number): number {
    const row = this.#next;
    this.#next = row + 1 === this.#capacity ? 0 : row + 1;
    if (row >= this.#expiries.length) this.#grow();
    const oldest = this.#keys[row];
    if (oldest !== undefined) this.#rows.delete(oldest);
    this.#keys[row] = key;
    this.#rows.set(key, row);
    return row;
  }

  #free(row: number): void {
    this.#rows.delete(this.#keys[row]!);
    this.#keys[row] = undefined;
    this.#values[row] = undefined;
  }

  #grow(): void {
    const rows = Math.min(this.#capacity, Math.max(leastRows, 2 * this.#expiries.length));
    const grown = <T extends Int32Array | Float64Array>(column: T, larger: T): T => {
      larger.set(column);
      return larger;
    };
    this.#versions = grown(this.#versions, new Int32Array(2 * rows));
    this.#expiries = grown(this.#expiries, new Float64Array(rows));
    this.#origins = grown(this.#origins, new Int32Array(4 * rows));
  }
}
