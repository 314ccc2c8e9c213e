/**
 * Holds every file of a log against the root of a checkpoint. Entries are hashed anew, and two trees are built: of the
 * hashes that the entries have, and of those that the tiles of level 0 keep. Whichever comes to the root is the true one,
 * and where the other differs it was changed. Faults are collected, so that one does not hide the next.
 *
 * Bundles that are absent are told, and are no fault here: retention removes them, and their tiles stand for them.
 */
import { CupelError, createTurns } from "@cupel/base";
import { bundleCount, bundleWidth } from "./entry-bundle.ts";
import type { LogReader } from "./log-reader.ts";
import { MerkleTree } from "./merkle-tree.ts";
import type { LeafRange } from "./proof.ts";
import { bundlePath, TILE_WIDTH, type Tile, tileBytes, tilePath } from "./tile-layout.ts";
import { sha256Tree, type TreeHash } from "./tree-hash.ts";

/** A log that is all wrong, or whose size is a lie, is not gone through to its end. */
const MOST_FAULTS = 100;

export interface TreeFault {
  /** An entry that was changed; a tile that was; a file that is absent or malformed; another root than the checkpoint's. */
  readonly kind: "entry" | "tile" | "file" | "root";
  /** Within the log; "" for the root. */
  readonly path: string;
  /** Of the entry; null where the fault is not of one. */
  readonly index: number | null;
  /** A sentence. */
  readonly message: string;
}

export interface TreeReport {
  /** None means that all is as the root says. After about 100 the check ends. */
  readonly faults: readonly TreeFault[];
  /** That were read and hashed. */
  readonly entries: number;
  /** Entries whose bundles are absent. */
  readonly missing: readonly LeafRange[];
}

export interface CheckTreeOptions {
  /** Default SHA-256. For SM3 its own tiles are checked, against the same entries. */
  readonly hash?: TreeHash;
  /** Called with each entry that is there, in order. What it throws ends the check. */
  readonly onEntry?: (entry: Buffer, index: number) => void;
}

/** @param size and root of a checkpoint. @throws LOG_UNREADABLE: what cannot be read is not called wrong */
export async function checkTree(
  log: LogReader,
  { size, root }: { readonly size: number; readonly root: Uint8Array },
  { hash = sha256Tree, onEntry }: CheckTreeOptions = {},
): Promise<TreeReport> {
  const files: TreeFault[] = [];
  const ofEntries = new GrownTree(log, hash);
  const ofTiles = new GrownTree(log, hash);
  /** By the path of a tile, the entries that it does not know. */
  const differences = new Map<string, number[]>();
  const missing: LeafRange[] = [];
  const turn = createTurns();
  let entries = 0;
  for (let index = 0; index < bundleCount(size); index++) {
    await turn();
    if (files.length + differences.size >= MOST_FAULTS) {
      return { faults: [...files, ...differenceFaults(differences, false)], entries, missing };
    }
    const width = bundleWidth(size, index);
    const place = { level: 0, index, width };
    const begin = index * TILE_WIDTH;
    const path = tilePath(place, hash);
    const tile = await unlessWrong(files, path, log.tile(place, hash));
    const bundle = await unlessWrong(files, bundlePath(index, width), log.bundle(index, width));
    if (bundle === null) addRange(missing, { begin, end: begin + width });
    for (let at = 0; at < width; at++) {
      const kept = tile?.subarray(tileBytes(at), tileBytes(at + 1));
      const entry = bundle?.[at];
      const made = entry && hash.leaf(entry);
      if (entry !== undefined) {
        entries++;
        onEntry?.(entry, begin + at);
      }
      if (kept && made && !made.equals(kept)) {
        differences.set(path, [...(differences.get(path) ?? []), begin + at]);
      }
      // Without either the root cannot come out right, and the absent files are told.
      ofEntries.append(made ?? kept ?? hash.empty());
      ofTiles.append(kept ?? made ?? hash.empty());
    }
    await ofEntries.checkTiles();
    await ofTiles.checkTiles();
  }
  await ofEntries.checkEdge();
  await ofTiles.checkEdge();

  const areEntriesTrue = ofEntries.root().equals(root);
  const areTilesTrue = ofTiles.root().equals(root);
  const faults = [...files, ...differenceFaults(differences, areEntriesTrue)];
  faults.push(...(areEntriesTrue ? ofEntries : ofTiles).faults);
  if (!areEntriesTrue && !areTilesTrue) {
    const message = `Neither the entries nor the tiles come to the root that the checkpoint of ${size} entries has.`;
    faults.push({ kind: "root", path: "", index: null, message });
  }
  return { faults, entries, missing };
}

/** Null where a file is absent or malformed, and a fault where it should not be. */
async function unlessWrong<Value>(
  faults: TreeFault[],
  path: string,
  value: Promise<Value>,
): Promise<Value | null> {
  try {
    return await value;
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || thrown.code === "LOG_UNREADABLE") throw thrown;
    faults.push({ kind: "file", path, index: null, message: thrown.message });
    return null;
  }
}

function addRange(ranges: LeafRange[], range: LeafRange): void {
  const last = ranges.at(-1);
  if (last?.end === range.begin) ranges[ranges.length - 1] = { begin: last.begin, end: range.end };
  else ranges.push(range);
}

function differenceFaults(
  differences: ReadonlyMap<string, readonly number[]>,
  areEntriesTrue: boolean,
): TreeFault[] {
  return [...differences].flatMap(([path, indices]): TreeFault[] =>
    areEntriesTrue
      ? [{ kind: "tile", path, index: null, message: `${path} does not hold the hashes of its entries.` }]
      : indices.map((index) => ({
          kind: "entry",
          path,
          index,
          message: `Entry ${index} is not the one that was hashed when it was recorded.`,
        })),
  );
}

/** A tree that is held against the tiles above level 0 as it grows. */
class GrownTree {
  readonly #log: LogReader;
  readonly #hash: TreeHash;
  readonly #tree: MerkleTree;
  /** Partial ones by level, as they were last. */
  readonly #edge = new Map<number, Tile>();
  readonly faults: TreeFault[] = [];

  constructor(log: LogReader, hash: TreeHash) {
    this.#log = log;
    this.#hash = hash;
    this.#tree = new MerkleTree(hash);
  }

  append(leaf: Uint8Array): void {
    this.#tree.append(leaf);
  }

  root(): Buffer {
    return this.#tree.root();
  }

  async checkTiles(): Promise<void> {
    for (const tile of this.#tree.takeTiles()) {
      if (tile.level === 0) continue;
      if (tile.width < TILE_WIDTH) {
        this.#edge.set(tile.level, tile);
      } else {
        this.#edge.delete(tile.level);
        await this.#check(tile);
      }
    }
  }

  /** When the last leaf is there. */
  async checkEdge(): Promise<void> {
    for (const tile of this.#edge.values()) await this.#check(tile);
  }

  async #check({ hashes, ...place }: Tile): Promise<void> {
    const path = tilePath(place, this.#hash);
    const tile = await unlessWrong(this.faults, path, this.#log.tile(place, this.#hash));
    if (tile === null || tile.equals(hashes)) return;
    const message = `${path} does not hold the hashes of the tiles below it.`;
    this.faults.push({ kind: "tile", path, index: null, message });
  }
}
