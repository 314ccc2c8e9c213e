/** A part of a file, named as OMS names it, so that the parts of a large file are digested by several threads. */
import { digestFile } from "../manifest/digest-file.ts";
import type { Digests, HashName } from "../manifest/manifest.ts";
import type { DigestOptions } from "../manifest/serve-digests.ts";
import type { FoundFile } from "../manifest/walk-folder.ts";

export interface ShardToDigest {
  /** The file's with the range, `weights.bin:0:1000000000`; the file's alone where all of it is one. */
  readonly path: string;
  /** Bytes of the shard. */
  readonly size: number;
  readonly file: string;
  readonly identity: string;
  readonly range: { readonly start: number; readonly end: number } | undefined;
}

export function digestShard<Hash extends HashName>(
  root: string,
  { file, size, identity, range }: ShardToDigest,
  hashNames: readonly Hash[],
  options?: DigestOptions,
): Promise<Digests<Hash>> {
  return digestFile(root, { path: file, size, identity, range }, hashNames, options);
}

/** Those of a file, in order; none of an empty one. @param shardSize bytes */
export function shardsOf({ path, size, identity }: FoundFile, shardSize: number): ShardToDigest[] {
  const count = Math.ceil(size / shardSize);
  return Array.from({ length: count }, (_, i) => {
    const range = { start: i * shardSize, end: Math.min((i + 1) * shardSize, size) };
    const name = `${path}:${range.start}:${range.end}`;
    return { path: name, size: range.end - range.start, file: path, identity, range };
  });
}

export function wholeFile({ path, size, identity }: FoundFile): ShardToDigest {
  return { path, size, file: path, identity, range: undefined };
}
