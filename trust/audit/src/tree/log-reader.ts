/**
 * Reads a log that lies in tiles: ours, or one that others wrote. Sizes are those of a checkpoint that the caller trusts;
 * what is read is held against it by proofs and by `checkTree`.
 */
import { auditErrors } from "../errors.ts";
import { LONGEST_BUNDLE, parseBundle } from "./entry-bundle.ts";
import { folderSource, type LogSource } from "./log-source.ts";
import { MerkleTree } from "./merkle-tree.ts";
import {
  bundlePath,
  edgeOf,
  TILE_WIDTH,
  type Tile,
  type TilePlace,
  tileBytes,
  tilePath,
  widthOf,
} from "./tile-layout.ts";
import { sha256Tree, type TreeHash } from "./tree-hash.ts";

/** Bytes. A checkpoint with a hundred signatures after quantum computers. */
const LONGEST_CHECKPOINT = 1_000_000;

export interface LogReader {
  readonly source: LogSource;
  /** The bytes of the present checkpoint. @param name default "checkpoint". @throws LOG_FILE_MISSING */
  checkpoint(name?: string): Promise<Buffer>;
  /** Where a partial tile is gone, the one that replaced it serves. @throws LOG_FILE_MISSING, LOG_INVALID */
  tile(place: TilePlace, hash?: TreeHash): Promise<Buffer>;
  /** The first `width` entries of a bundle; null where there is none, as retention may have removed it. @throws LOG_INVALID */
  bundle(index: number, width: number): Promise<readonly Buffer[] | null>;
  /** One entry of a log of `size`. @throws LOG_FILE_MISSING, LOG_INVALID */
  entry(index: number, size: number): Promise<Buffer>;
  /** The tree as it was at `size`, to go on from. Compare its root. @throws LOG_FILE_MISSING, LOG_INVALID */
  tree(size: number, hash?: TreeHash): Promise<MerkleTree>;
}

/** @param from a folder, or where else a log is */
export function readLog(from: string | LogSource): LogReader {
  const source = typeof from === "string" ? folderSource(from) : from;
  const missing = (path: string) =>
    auditErrors.error("LOG_FILE_MISSING", `${source.name} has no ${path}, which its size demands.`, {
      details: { path, log: source.name },
    });
  /** The form of this width, or the full one. */
  const readEither = async (path: string, full: string, limit: number) =>
    (await source.read(path, limit)) ?? (path === full ? null : await source.read(full, limit));

  const reader: LogReader = {
    source,
    async checkpoint(name = "checkpoint") {
      const bytes = await source.read(name, LONGEST_CHECKPOINT);
      if (bytes === null) throw missing(name);
      return bytes;
    },
    async tile(place, hash = sha256Tree) {
      const path = tilePath(place, hash);
      const full = tilePath({ ...place, width: TILE_WIDTH }, hash);
      const bytes = await readEither(path, full, tileBytes(TILE_WIDTH));
      if (bytes === null) throw missing(path);
      const { byteLength } = bytes;
      if (byteLength !== tileBytes(place.width) && byteLength !== tileBytes(TILE_WIDTH)) {
        throw auditErrors.error(
          "LOG_INVALID",
          `${path} of ${source.name} is no tile of ${place.width} hashes: it has ${byteLength} bytes.`,
          { details: { path, log: source.name } },
        );
      }
      return bytes.subarray(0, tileBytes(place.width));
    },
    async bundle(index, width) {
      const path = bundlePath(index, width);
      const bytes = await readEither(path, bundlePath(index, TILE_WIDTH), LONGEST_BUNDLE);
      return bytes === null ? null : parseBundle(bytes, width, `${path} of ${source.name}`);
    },
    async entry(index, size) {
      const bundle = Math.floor(index / TILE_WIDTH);
      const width = widthOf(size, 0, bundle);
      const entry = (await reader.bundle(bundle, width))?.[index % TILE_WIDTH];
      if (entry === undefined) throw missing(bundlePath(bundle, width));
      return entry;
    },
    async tree(size, hash = sha256Tree) {
      const edge: Tile[] = [];
      for (const place of edgeOf(size)) edge.push({ ...place, hashes: await reader.tile(place, hash) });
      return MerkleTree.at(size, edge, hash);
    },
  };
  return reader;
}
