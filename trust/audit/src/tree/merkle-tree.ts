/**
 * The Merkle tree of a log that grows, RFC 6962 section 2.1. It remembers only its right edge: the roots of the full
 * subtrees that it is made of (one for each bit of its size that is set) and the tiles that are not full yet. Finished
 * tiles are handed out once, by `takeTiles`, and forgotten.
 *
 * A leaf is added as one is added to a binary number: two subtrees of equal height become one of the next, and so on while
 * bits carry. Hashes that arise at levels 0, 8, 16 ... belong into tiles. A leaf costs one hash of a node on average.
 */
import { edgeOf, hashesAt, TILE_HEIGHT, TILE_WIDTH, type Tile, tileBytes } from "./tile-layout.ts";
import { HASH_BYTES, sha256Tree, type TreeHash } from "./tree-hash.ts";
import { isTreeSize } from "./tree-size.ts";

interface EdgeTile {
  readonly hashes: Buffer;
  width: number;
  /** Since `takeTiles` was called last. */
  hasGrown: boolean;
}

export class MerkleTree {
  readonly #hash: TreeHash;
  #size = 0;
  /** By level. Those of levels whose bit of the size is not set are left over and mean nothing. */
  readonly #subtrees: Uint8Array[] = [];
  /** By tile level. */
  readonly #edge: EdgeTile[] = [];
  #finished: Tile[] = [];

  /** Without leaves. @param hash default SHA-256 */
  constructor(hash: TreeHash = sha256Tree) {
    this.#hash = hash;
  }

  /**
   * A tree as it was when it had `size` leaves. Whether the hashes are right shows in `root()`: compare it with a
   * checkpoint.
   * @param edge the partial tiles of `edgeOf(size)`, in that order
   * @throws RangeError where they are not those
   */
  static at(size: number, edge: readonly Tile[], hash: TreeHash = sha256Tree): MerkleTree {
    if (!isTreeSize(size)) throw new RangeError(`${size} is no size of a tree.`);
    const places = edgeOf(size);
    if (places.length !== edge.length) {
      throw new RangeError(
        `A tree of ${size} leaves has ${places.length} partial tiles, not ${edge.length}.`,
      );
    }
    const tree = new MerkleTree(hash);
    tree.#size = size;
    for (const [at, { level, index, width }] of places.entries()) {
      const tile = edge[at];
      if (tile?.level !== level || tile.index !== index || tile.hashes.byteLength !== tileBytes(width)) {
        throw new RangeError(`Partial tile ${at} of a tree of ${size} leaves is not that of level ${level}.`);
      }
      tree.#restore(level, tile.hashes);
    }
    return tree;
  }

  get size(): number {
    return this.#size;
  }

  /** @param leaf the hash of an entry, 32 bytes. It is kept: it MUST NOT be changed afterwards. */
  append(leaf: Uint8Array): void {
    if (leaf.byteLength !== HASH_BYTES) throw new RangeError(`A leaf hash has ${HASH_BYTES} bytes.`);
    let hash = leaf;
    let level = 0;
    let rest = this.#size;
    for (;;) {
      if (level % TILE_HEIGHT === 0) this.#putIntoTile(level / TILE_HEIGHT, hash);
      if (rest % 2 === 0) break;
      // The bit is set, so the subtree is there.
      hash = this.#hash.node(this.#subtrees[level]!, hash);
      rest = (rest - 1) / 2;
      level++;
    }
    this.#subtrees[level] = hash;
    this.#size++;
  }

  /** The Merkle tree hash of all leaves. */
  root(): Buffer {
    let root: Uint8Array | null = null;
    let rest = this.#size;
    for (const subtree of this.#subtrees) {
      if (rest % 2 === 1) {
        root = root === null ? subtree : this.#hash.node(subtree, root);
        rest--;
      }
      rest /= 2;
    }
    return root === null ? this.#hash.empty() : Buffer.from(root);
  }

  /**
   * The tiles that were finished or have grown since the last call; a checkpoint of the present size needs them written
   * first. Partial ones are copies.
   */
  takeTiles(): Tile[] {
    const tiles = this.#finished;
    this.#finished = [];
    for (const [level, tile] of this.#edge.entries()) {
      if (!tile.hasGrown || tile.width === 0) continue;
      tile.hasGrown = false;
      const index = Math.floor(hashesAt(this.#size, level) / TILE_WIDTH);
      const hashes = Buffer.from(tile.hashes.subarray(0, tileBytes(tile.width)));
      tiles.push({ level, index, width: tile.width, hashes });
    }
    return tiles;
  }

  #putIntoTile(level: number, hash: Uint8Array): void {
    const tile = this.#edgeTile(level);
    tile.hashes.set(hash, tileBytes(tile.width));
    tile.width++;
    tile.hasGrown = true;
    if (tile.width < TILE_WIDTH) return;
    const index = Math.floor(hashesAt(this.#size, level) / TILE_WIDTH);
    this.#finished.push({ level, index, width: TILE_WIDTH, hashes: tile.hashes });
    this.#edge[level] = emptyTile();
  }

  #edgeTile(level: number): EdgeTile {
    for (let next = this.#edge.length; next <= level; next++) this.#edge[next] = emptyTile();
    return this.#edge[level] ?? emptyTile();
  }

  /** The subtrees that a partial tile consists of are those of the bits of its width, the greatest first. */
  #restore(level: number, hashes: Uint8Array): void {
    const tile = this.#edgeTile(level);
    tile.hashes.set(hashes);
    tile.width = hashes.byteLength / HASH_BYTES;
    let end = tile.width;
    for (let height = 0; height < TILE_HEIGHT; height++) {
      const count = 2 ** height;
      if (Math.floor(tile.width / count) % 2 === 0) continue;
      this.#subtrees[level * TILE_HEIGHT + height] = foldHashes(this.#hash, tile.hashes, end - count, count);
      end -= count;
    }
    // Gaps would end the walk of `root`.
    for (let at = 0; at < this.#subtrees.length; at++) this.#subtrees[at] ??= this.#hash.empty();
  }
}

function emptyTile(): EdgeTile {
  return { hashes: Buffer.alloc(tileBytes(TILE_WIDTH)), width: 0, hasGrown: false };
}

/** The root of the full subtree over `count` (a power of two) consecutive hashes of a tile, from `begin`. */
export function foldHashes(hash: TreeHash, hashes: Uint8Array, begin: number, count: number): Buffer {
  let row: Uint8Array[] = Array.from({ length: count }, (_, at) =>
    hashes.subarray(tileBytes(begin + at), tileBytes(begin + at + 1)),
  );
  while (row.length > 1) {
    const below = row;
    row = Array.from({ length: below.length / 2 }, (_, at) =>
      hash.node(below[2 * at] ?? hash.empty(), below[2 * at + 1] ?? hash.empty()),
    );
  }
  return Buffer.from(row[0] ?? hash.empty());
}
