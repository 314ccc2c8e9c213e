/**
 * What a model is on the disk, for comparison with a statement: the SHA-256 of each file, and where the signer signed
 * shards, those of each file's shards as well.
 */
import { lstat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { moduleBeside, reasonOf } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { digestFile } from "../manifest/digest-file.ts";
import { type DigestPoolOptions, digestAll } from "../manifest/digest-pool.ts";
import { type FileEntry, inPathOrder, type Manifest } from "../manifest/manifest.ts";
import { type ManifestOptions, readSha256Manifest, readSteadily } from "../manifest/read-manifest.ts";
import { type FoundFile, stateOf } from "../manifest/walk-folder.ts";
import { shardedContent } from "./compare-model.ts";
import { digestShard, shardsOf, wholeFile } from "./digest-shard.ts";
import { singleFilePath } from "./statement.ts";

export interface ReadModel {
  readonly manifest: Manifest<"sha256">;
  /** By the SHA-256 of a file, what its shards are (`shardedContent`); null where files are signed whole. */
  readonly shards: ReadonlyMap<string, string> | null;
}

const thread = moduleBeside(import.meta.url, "shard-thread");

/** @param shardSize bytes, null for whole files. @throws as `readManifest` */
export async function readModel(
  folder: string,
  shardSize: number | null,
  options: ManifestOptions,
): Promise<ReadModel> {
  if (shardSize === null) return { manifest: await readSha256Manifest(folder, options), shards: null };
  const partsOf = (file: FoundFile) => shardsOf(file, shardSize);
  const { files, links, emptyFolders, digests } = await readSteadily(folder, options, (root, found) => {
    // The digest of the whole is wanted too: whoever loads the file compares that. Of one shard it is the same.
    const items = found.flatMap((file) => {
      const parts = partsOf(file);
      return parts.length === 1 ? parts : [...parts, wholeFile(file)];
    });
    return digestAll({ place: root, digestOne: digestShard, thread }, items, ["sha256"], options);
  });
  const digestOf = (name: string) => digests.get(name)?.sha256 ?? "";
  const shards = new Map<string, string>();
  const entries = files.map((file): FileEntry<"sha256"> => {
    const { kind, path, size, executable } = file;
    const parts = partsOf(file).map((part) => digestOf(part.path));
    const sha256 = parts.length === 1 ? parts.join("") : digestOf(path);
    shards.set(sha256, shardedContent(size, parts));
    return { kind, path, size, executable, sha256 };
  });
  return { manifest: inPathOrder([...links, ...emptyFolders, ...entries]), shards };
}

/**
 * Of a model that is one file: its entry has the path that OMS gives it. Null where there is a folder.
 * @throws FOLDER_UNREADABLE, FOLDER_CHANGED, CANCELLED, DEADLINE_EXCEEDED
 */
export async function readSingleFile(
  path: string,
  { signal }: DigestPoolOptions,
): Promise<FileEntry<"sha256"> | null> {
  const stats = await lstat(path, { bigint: true }).catch((thrown: unknown) => {
    throw attestErrors.error(
      "FOLDER_UNREADABLE",
      `${path} cannot be read: ${reasonOf(thrown)}. Check the path.`,
      {
        cause: thrown,
        details: { path },
      },
    );
  });
  if (!stats.isFile()) return null;
  const state = stateOf(stats);
  const digests = await digestFile(dirname(path), { ...state, path: basename(path) }, ["sha256"], { signal });
  return { kind: "file", path: singleFilePath, size: state.size, executable: false, ...digests };
}
