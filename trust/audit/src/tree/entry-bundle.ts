/**
 * The entries of a log as https://c2sp.org/tlog-tiles serves them: bundles of 256, each entry after its length in two
 * bytes, the higher first. So an entry has at most 65,535 bytes.
 */
import { auditErrors } from "../errors.ts";
import { hashesAt, TILE_WIDTH, widthOf } from "./tile-layout.ts";

/** Bytes. */
export const LONGEST_ENTRY = 65_535;
const LENGTH_BYTES = 2;
/** Room for 256 events of a usual length. */
const USUAL_BYTES = 2 ** 17;
/** Of a file from outside, more is refused unread. */
export const LONGEST_BUNDLE = TILE_WIDTH * (LENGTH_BYTES + LONGEST_ENTRY);

export interface Bundle {
  readonly index: number;
  /** Entries, 1 to 256. */
  readonly width: number;
  readonly bytes: Buffer;
}

/** The bundles of a log that grows, as `MerkleTree` has its tiles. */
export class EntryBundles {
  #size: number;
  #bytes = Buffer.allocUnsafe(USUAL_BYTES);
  #used = 0;
  #hasGrown = false;
  #finished: Bundle[] = [];

  /**
   * @param size entries that there are already; default none
   * @param last the entries of the bundle that is not full yet: the last `size` mod 256. RangeError where they are not so many.
   */
  constructor(size = 0, last: readonly Uint8Array[] = []) {
    if (last.length !== size % TILE_WIDTH) {
      throw new RangeError(
        `The last bundle of ${size} entries has ${size % TILE_WIDTH}, not ${last.length}.`,
      );
    }
    this.#size = size - last.length;
    for (const entry of last) this.append(entry);
    this.#hasGrown = false;
  }

  get size(): number {
    return this.#size;
  }

  /** @param entry is copied. @throws ENTRY_TOO_LONG, having added nothing */
  append(entry: Uint8Array): void {
    const { byteLength } = entry;
    if (byteLength > LONGEST_ENTRY) {
      throw auditErrors.error(
        "ENTRY_TOO_LONG",
        `An entry of the log has ${byteLength} bytes; the format holds ${LONGEST_ENTRY}. Record less: a digest in place of the data.`,
        { details: { bytes: byteLength } },
      );
    }
    const end = this.#used + LENGTH_BYTES + byteLength;
    if (end > this.#bytes.byteLength) this.#grow(end);
    this.#bytes.writeUInt16BE(byteLength, this.#used);
    this.#bytes.set(entry, this.#used + LENGTH_BYTES);
    this.#used = end;
    this.#size++;
    this.#hasGrown = true;
    if (this.#size % TILE_WIDTH > 0) return;
    this.#finished.push({ ...this.#last(this.#size - TILE_WIDTH), width: TILE_WIDTH });
    this.#used = 0;
    this.#hasGrown = false;
  }

  /** Those that were finished or have grown since the last call. */
  takeBundles(): Bundle[] {
    const bundles = this.#finished;
    this.#finished = [];
    if (this.#hasGrown) bundles.push({ ...this.#last(this.#size), width: this.#size % TILE_WIDTH });
    this.#hasGrown = false;
    return bundles;
  }

  #last(size: number): Omit<Bundle, "width"> {
    return { index: Math.floor(size / TILE_WIDTH), bytes: Buffer.from(this.#bytes.subarray(0, this.#used)) };
  }

  #grow(least: number): void {
    const grown = Buffer.allocUnsafe(Math.max(least, 2 * this.#bytes.byteLength));
    this.#bytes.copy(grown, 0, 0, this.#used);
    this.#bytes = grown;
  }
}

/**
 * The first `width` entries of a bundle, which may be a later and wider one.
 * @param path for the message. @throws LOG_INVALID
 */
export function parseBundle(bytes: Buffer, width: number, path: string): Buffer[] {
  const entries: Buffer[] = [];
  let at = 0;
  while (at < bytes.byteLength) {
    const begin = at + LENGTH_BYTES;
    const end = begin <= bytes.byteLength ? begin + bytes.readUInt16BE(at) : Number.POSITIVE_INFINITY;
    if (end > bytes.byteLength) throw refuse(path, `entry ${entries.length} goes beyond its end`);
    entries.push(bytes.subarray(begin, end));
    at = end;
  }
  const isWhole = entries.length === width || entries.length === TILE_WIDTH;
  if (!isWhole || entries.length < width) {
    throw refuse(path, `it has ${entries.length} entries where ${width} belong`);
  }
  return entries.slice(0, width);
}

/** Bundles of a log of `size` entries. */
export function bundleCount(size: number): number {
  return Math.ceil(hashesAt(size, 0) / TILE_WIDTH);
}

/** Entries in one of them. */
export function bundleWidth(size: number, index: number): number {
  return widthOf(size, 0, index);
}

function refuse(path: string, reason: string): Error {
  return auditErrors.error("LOG_INVALID", `${path} is no bundle of entries: ${reason}.`, {
    details: { path },
  });
}
