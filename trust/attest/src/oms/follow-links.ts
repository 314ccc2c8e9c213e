/**
 * Links as OMS has them where they are allowed: one to a file is a file of its own, with that one's content; one to a
 * folder is none, as in the reference implementation. Nothing on the disk is followed: the manifest has it all.
 */
import type { FileEntry, HashName, LinkEntry, Manifest } from "../manifest/manifest.ts";
import { foldersAbove } from "../manifest/path-rules.ts";
import { followLink } from "../manifest/resolve-link.ts";

export interface Followed<Hash extends HashName> {
  readonly files: readonly FileEntry<Hash>[];
  /** Those that lead to nothing. */
  readonly left: readonly LinkEntry[];
}

export function followLinks<Hash extends HashName>(manifest: Manifest<Hash>): Followed<Hash> {
  const links = linksOf(manifest);
  const targets = new Map(links.map(({ path, target }) => [path, target]));
  const byPath = new Map(filesOf(manifest).map((file) => [file.path, file]));
  const folders = new Set(["", ...manifest.flatMap(({ path }) => foldersAbove(path))]);
  for (const { kind, path } of manifest) if (kind === "folder") folders.add(path);
  const files: FileEntry<Hash>[] = [];
  const left: LinkEntry[] = [];
  for (const link of links) {
    const end = followLink(link.path, targets);
    const path = typeof end === "string" ? null : end.path;
    const file = path === null ? undefined : byPath.get(path);
    if (file !== undefined) files.push({ ...file, path: link.path });
    else if (path === null || !folders.has(path)) left.push(link);
  }
  return { files, left };
}

export function linksOf<Hash extends HashName>(manifest: Manifest<Hash>): LinkEntry[] {
  return manifest.filter((entry) => entry.kind === "link");
}

export function filesOf<Hash extends HashName>(manifest: Manifest<Hash>): FileEntry<Hash>[] {
  return manifest.flatMap((entry) => (entry.kind === "file" ? [entry] : []));
}
