/**
 * Makes proofs from the tiles of a log. Each is verified before it is handed out, for the tiles may be wrong: then the
 * caller hears of it, and not whoever gets the proof.
 */
import { auditErrors } from "../errors.ts";
import type { LogReader } from "./log-reader.ts";
import { foldHashes } from "./merkle-tree.ts";
import {
  consistencyRanges,
  inclusionRanges,
  type LeafRange,
  verifyConsistency,
  verifyInclusion,
} from "./proof.ts";
import { TILE_HEIGHT, TILE_WIDTH, widthOf } from "./tile-layout.ts";
import { sha256Tree, type TreeHash } from "./tree-hash.ts";
import { isTreeSize } from "./tree-size.ts";

/** 8 kB each: all that two proofs of the largest tree need. */
const TILES_KEPT = 64;

export class TreeProver {
  readonly #log: LogReader;
  readonly #hash: TreeHash;
  /** By level and index, the one used last at the end. */
  readonly #tiles = new Map<string, Buffer>();
  readonly size: number;
  readonly root: Buffer;

  private constructor(log: LogReader, size: number, root: Buffer, hash: TreeHash) {
    this.#log = log;
    this.#hash = hash;
    this.size = size;
    this.root = root;
  }

  /**
   * @param size and root of a checkpoint @param hash default SHA-256
   * @throws PROOF_INVALID where the tiles have another root; LOG_FILE_MISSING, LOG_INVALID
   */
  static async open(
    log: LogReader,
    { size, root }: { readonly size: number; readonly root: Buffer },
    hash: TreeHash = sha256Tree,
  ): Promise<TreeProver> {
    const prover = new TreeProver(log, size, root, hash);
    const found = await prover.rootAt(size);
    if (found.equals(root)) return prover;
    throw auditErrors.error(
      "PROOF_INVALID",
      `The tiles of ${log.source.name} are not those of its checkpoint of ${size} entries: they have another root.`,
    );
  }

  /** What the root was when the log had `size` entries, of which there are now at least so many. */
  async rootAt(size: number): Promise<Buffer> {
    if (!isTreeSize(size) || size > this.size) throw this.#beyond(`a tree of ${size} entries`);
    return size === 0 ? this.#hash.empty() : await this.#rangeHash({ begin: 0, end: size });
  }

  /** The hash of one entry, from the tiles. */
  async leaf(index: number): Promise<Buffer> {
    if (!isTreeSize(index) || index >= this.size) throw this.#beyond(`entry ${index}`);
    return await this.#rangeHash({ begin: index, end: index + 1 });
  }

  /** @throws PROOF_INVALID where there is no such entry or the tiles are wrong; LOG_FILE_MISSING, LOG_INVALID */
  async inclusionProof(index: number): Promise<Buffer[]> {
    const { size, root } = this;
    const leaf = await this.leaf(index);
    const proof = await this.#hashesOf(inclusionRanges(index, size));
    verifyInclusion({ index, size, leaf, root, proof }, this.#hash);
    return proof;
  }

  /** From `oldSize` to the size of this one; no hash from 0. @throws as `inclusionProof` */
  async consistencyProof(oldSize: number): Promise<Buffer[]> {
    const { size, root } = this;
    const oldRoot = await this.rootAt(oldSize);
    const proof = await this.#hashesOf(consistencyRanges(oldSize, size));
    if (oldSize > 0) verifyConsistency({ oldSize, oldRoot, size, root, proof }, this.#hash);
    return proof;
  }

  async #hashesOf(ranges: readonly LeafRange[]): Promise<Buffer[]> {
    const hashes: Buffer[] = [];
    for (const range of ranges) hashes.push(await this.#rangeHash(range));
    return hashes;
  }

  /** The full subtrees of a range, the largest first, folded from the right. */
  async #rangeHash({ begin, end }: LeafRange): Promise<Buffer> {
    const nodes: Buffer[] = [];
    for (let at = begin; at < end; ) {
      let level = 0;
      while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level++;
      nodes.push(await this.#node(level, at / 2 ** level));
      at += 2 ** level;
    }
    return nodes.reduceRight((right, left) => this.#hash.node(left, right));
  }

  /** The root of a full subtree of 2^level leaves. */
  async #node(level: number, index: number): Promise<Buffer> {
    const count = 2 ** (level % TILE_HEIGHT);
    const first = index * count;
    const tileIndex = Math.floor(first / TILE_WIDTH);
    const hashes = await this.#tile(Math.floor(level / TILE_HEIGHT), tileIndex);
    return foldHashes(this.#hash, hashes, first - tileIndex * TILE_WIDTH, count);
  }

  async #tile(level: number, index: number): Promise<Buffer> {
    const name = `${level}/${index}`;
    const place = { level, index, width: widthOf(this.size, level, index) };
    const tile = this.#tiles.get(name) ?? (await this.#log.tile(place, this.#hash));
    this.#tiles.delete(name);
    this.#tiles.set(name, tile);
    if (this.#tiles.size > TILES_KEPT) this.#tiles.delete(this.#tiles.keys().next().value ?? "");
    return tile;
  }

  #beyond(what: string): Error {
    return auditErrors.error(
      "PROOF_INVALID",
      `There is no proof of ${what}: the log ${this.#log.source.name} has ${this.size} entries.`,
    );
  }
}
