/**
 * What differs between a signed statement and what is there. OMS signs the content of files: whether a file may be
 * executed and which folders are empty is not in it, so neither is a difference. Where the signer followed links, a
 * link is the file that it leads to; else a link is something that was added.
 */
import { compareManifests, type Difference, type ExpectedEntry } from "../manifest/compare-manifests.ts";
import { filesOf, followLinks, linksOf } from "./follow-links.ts";
import type { ReadModel } from "./read-model.ts";
import { type ModelStatement, type Resource, rangeStart } from "./statement.ts";

/** @returns in the order of the paths; empty where the model is what was signed */
export function compareModel(
  { resources, serialization }: ModelStatement,
  { manifest, shards }: ReadModel,
): Difference[] {
  const signed = Map.groupBy(resources, ({ path }) => path);
  const { files, left } = serialization.allowSymlinks
    ? followLinks(manifest)
    : { files: [], left: linksOf(manifest) };
  const found = [...filesOf(manifest), ...files]
    // Of an empty file there is no shard: it is signed as little as an empty folder.
    .filter(({ size }) => shards === null || size > 0)
    .map((file) => ({ ...file, executable: false }));

  const byContent = new Map(
    found.map((file) => [shards === null ? file.sha256 : (shards.get(file.sha256) ?? ""), file]),
  );
  const expected = Array.from(signed, ([path, parts]): ExpectedEntry => {
    const content = contentOf(parts);
    const same = byContent.get(content);
    const facts = { kind: "file", path, executable: false } as const;
    // Content that is nowhere. Of shards the digest of the whole is not known; theirs are the digest of nothing.
    if (same === undefined) return { ...facts, size: parts[0]?.size ?? null, sha256: content };
    return { ...facts, size: same.size, sha256: same.sha256 };
  });
  return compareManifests(expected, [...found, ...left]);
}

/** A text that is the same where the content is. */
function contentOf(parts: readonly Resource[]): string {
  const sorted = parts.toSorted((one, other) => rangeStart(one) - rangeStart(other));
  const end = sorted.at(-1)?.range?.end;
  const digests = sorted.map(({ sha256 }) => sha256);
  return end === undefined ? digests.join("") : shardedContent(end, digests);
}

/** @param size bytes of the file. @param digests of its shards, in order */
export function shardedContent(size: number, digests: readonly string[]): string {
  return `${size}:${digests.join(":")}`;
}
