/**
 * Where a log keeps what: the paths of https://c2sp.org/tlog-tiles, and the arithmetic of tiles. Nothing here reads or
 * writes.
 *
 * A tile holds up to 256 hashes, from left to right. Those of level 0 are leaf hashes; each hash of a tile of level L+1
 * is the root of a full tile of level L. A tile at the right edge of the tree may be partial.
 */
import { HASH_BYTES, sha256Tree, type TreeHash } from "./tree-hash.ts";

/** Hashes of a full tile, and entries of a full bundle. */
export const TILE_WIDTH = 256;
/** Levels of the tree that one level of tiles spans: 2^8 = 256. */
export const TILE_HEIGHT = 8;
/** Tile levels of the largest tree that a safe integer counts: 256^7 > 2^53. */
export const TILE_LEVELS = 7;

export interface TilePlace {
  /** From 0, the leaves. */
  readonly level: number;
  /** From 0, the leftmost of its level. */
  readonly index: number;
  /** Hashes in it, 1 to 256. */
  readonly width: number;
}

export interface Tile extends TilePlace {
  /** `width` times 32 bytes. */
  readonly hashes: Buffer;
}

/** Hashes that the tiles of one level hold in a tree of `size` leaves. */
export function hashesAt(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** Hashes in one tile, or entries in one bundle (level 0), of a tree of `size` leaves: 0 to 256. */
export function widthOf(size: number, level: number, index: number): number {
  return Math.max(0, Math.min(TILE_WIDTH, hashesAt(size, level) - index * TILE_WIDTH));
}

/** The partial tiles at the right edge of a tree, by rising level; full ones are not among them. */
export function edgeOf(size: number): TilePlace[] {
  const edge: TilePlace[] = [];
  for (let level = 0; level < TILE_LEVELS; level++) {
    const hashes = hashesAt(size, level);
    const width = hashes % TILE_WIDTH;
    if (width > 0) edge.push({ level, index: Math.floor(hashes / TILE_WIDTH), width });
  }
  return edge;
}

/** Bytes of the file of a tile. */
export function tileBytes(width: number): number {
  return width * HASH_BYTES;
}

/**
 * Such as "tile/0/x001/x234/067" or "tile/1/000.p/17". Parts are separated by "/" on every system. The layout has room
 * for one hash only: tiles of the SM3 tree lie in the same order under "sm3/".
 * @param hash of the tree; default SHA-256
 */
export function tilePath({ level, index, width }: TilePlace, hash: TreeHash = sha256Tree): string {
  const path = `tile/${level}/${numberPath(index)}${partialSuffix(width)}`;
  return hash.name === "sha256" ? path : `${hash.name}/${path}`;
}

/** Such as "tile/entries/x001/x234/067". */
export function bundlePath(index: number, width: number): string {
  return `tile/entries/${numberPath(index)}${partialSuffix(width)}`;
}

/** The folder of the partial forms of what has this full path. */
export function partialsPath(full: string): string {
  return `${full}.p`;
}

function partialSuffix(width: number): string {
  return width === TILE_WIDTH ? "" : `.p/${width}`;
}

/** Groups of three digits, all but the last with an x before: no file can bear the name of a folder. */
function numberPath(index: number): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, "0");
  return (padded.match(/\d{3}/g) ?? [])
    .map((group, at, all) => (at < all.length - 1 ? `x${group}` : group))
    .join("/");
}
