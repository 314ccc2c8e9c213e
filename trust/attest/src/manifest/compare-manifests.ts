/**
 * What differs between what a folder should be and what it is, each with its name: a file that only moved is one
 * difference and not two, and content that is another file's is said to be that one's.
 */
import type { Digests, FileFacts, FolderEntry, LinkEntry } from "./manifest.ts";
import { foldersAbove, foldPath } from "./path-rules.ts";
import { isSameDigest } from "./same-digest.ts";

type Kind = ComparedEntry["kind"];

export type Difference =
  | { readonly kind: "added" | "removed"; readonly path: string; readonly entry: Kind }
  /** Its content; `contentOf` is the path that this content should be at, null where it should be nowhere. */
  | {
      readonly kind: "changed";
      readonly path: string;
      readonly size: number;
      /** Null where whoever made the expectation did not say it, as in a model's signature by others. */
      readonly expectedSize: number | null;
      readonly contentOf: string | null;
    }
  /** Only its case or Unicode form is another. */
  | { readonly kind: "recased"; readonly path: string; readonly expectedPath: string }
  | { readonly kind: "renamed"; readonly path: string; readonly expectedPath: string }
  | { readonly kind: "mode"; readonly path: string; readonly executable: boolean }
  | {
      readonly kind: "target";
      readonly path: string;
      readonly target: string;
      readonly expectedTarget: string;
    }
  | { readonly kind: "kind"; readonly path: string; readonly entry: Kind; readonly expectedEntry: Kind };

/** SM3 is compared where both have it. */
export type ComparedEntry =
  | (FileFacts & Digests<"sha256"> & Partial<Digests<"sm3">>)
  | LinkEntry
  | FolderEntry;
/** The size may be unknown. */
export type ExpectedEntry =
  | ComparedEntry
  | (Omit<ComparedFile, "size"> & { readonly kind: "file"; readonly size: null });
type ComparedFile = Extract<ComparedEntry, { kind: "file" }>;
type ExpectedFile = Extract<ExpectedEntry, { kind: "file" }>;

/** @returns in the order of the paths; empty where the two are the same */
export function compareManifests(
  expected: readonly ExpectedEntry[],
  found: readonly ComparedEntry[],
): Difference[] {
  const differences: Difference[] = [];
  const removed = byPath(expected);
  const added = byPath(found);
  const contents = new Map<string, string>();
  for (const each of expected) {
    const key = contentKey(each);
    if (key !== null && !contents.has(key)) contents.set(key, each.path);
  }
  const match = (was: ExpectedEntry, is: ComparedEntry) => {
    differences.push(...differencesOf(was, is, contents));
    removed.delete(was.path);
    added.delete(is.path);
  };

  for (const was of expected) {
    const is = added.get(was.path);
    if (is !== undefined) match(was, is);
  }
  matchFolders(removed, fullFolders(found), (was) => {
    removed.delete(was.path);
    if (was.kind !== "folder") {
      differences.push({ kind: "kind", path: was.path, entry: "folder", expectedEntry: was.kind });
    }
  });
  matchFolders(added, fullFolders(expected), (is) => {
    added.delete(is.path);
    if (is.kind !== "folder") {
      differences.push({ kind: "kind", path: is.path, entry: is.kind, expectedEntry: "folder" });
    }
  });
  matchBy(
    removed,
    added,
    ({ path }) => foldPath(path),
    (was, is) => {
      differences.push({ kind: "recased", path: is.path, expectedPath: was.path });
      match(was, is);
    },
  );
  matchBy(removed, added, contentKey, (was, is) => {
    differences.push({ kind: "renamed", path: is.path, expectedPath: was.path });
    match(was, is);
  });
  for (const { path, kind } of removed.values()) differences.push({ kind: "removed", path, entry: kind });
  for (const { path, kind } of added.values()) differences.push({ kind: "added", path, entry: kind });
  return inOrder(differences);
}

/** Of two at the same path, or of one that moved. */
function differencesOf(
  was: ExpectedEntry,
  is: ComparedEntry,
  contents: ReadonlyMap<string, string>,
): Difference[] {
  const { path } = is;
  if (was.kind !== is.kind) return [{ kind: "kind", path, entry: is.kind, expectedEntry: was.kind }];
  const differences: Difference[] = [];
  if (was.kind === "link" && is.kind === "link" && was.target !== is.target) {
    differences.push({ kind: "target", path, target: is.target, expectedTarget: was.target });
  }
  if (was.kind !== "file" || is.kind !== "file") return differences;
  if (!haveSameContent(was, is)) {
    const contentOf = contents.get(contentKey(is) ?? "") ?? null;
    differences.push({ kind: "changed", path, size: is.size, expectedSize: was.size, contentOf });
  }
  if (was.executable !== is.executable) differences.push({ kind: "mode", path, executable: is.executable });
  return differences;
}

function haveSameContent(one: ExpectedFile, other: ComparedFile): boolean {
  if (one.size !== other.size || !isSameDigest(one.sha256, other.sha256)) return false;
  return one.sm3 === undefined || other.sm3 === undefined || isSameDigest(one.sm3, other.sm3);
}

/** Null of what is known by its name alone. A folder without content, or a file without, could be any other. */
function contentKey(entry: ExpectedEntry): string | null {
  if (entry.kind === "file") return entry.size === 0 ? null : `${entry.size} ${entry.sha256}`;
  return entry.kind === "link" ? `-> ${entry.target}` : null;
}

function byPath<Entry extends ExpectedEntry>(entries: readonly Entry[]): Map<string, Entry> {
  return new Map(entries.map((entry) => [entry.path, entry]));
}

function fullFolders(entries: readonly ExpectedEntry[]): ReadonlySet<string> {
  return new Set(entries.flatMap(({ path }) => foldersAbove(path)));
}

/** Calls `take` of each that is a folder with something in it on the other side. */
function matchFolders<Entry extends ExpectedEntry>(
  entries: ReadonlyMap<string, Entry>,
  folders: ReadonlySet<string>,
  take: (entry: Entry) => void,
): void {
  for (const entry of [...entries.values()]) if (folders.has(entry.path)) take(entry);
}

/** Pairs those with the same key, each once. */
function matchBy(
  removed: ReadonlyMap<string, ExpectedEntry>,
  added: ReadonlyMap<string, ComparedEntry>,
  keyOf: (entry: ExpectedEntry) => string | null,
  take: (was: ExpectedEntry, is: ComparedEntry) => void,
): void {
  const waiting = Map.groupBy(removed.values(), keyOf);
  for (const is of [...added.values()]) {
    const key = keyOf(is);
    const was = key === null ? undefined : waiting.get(key)?.shift();
    if (was !== undefined) take(was, is);
  }
}

function inOrder(differences: readonly Difference[]): Difference[] {
  return differences.toSorted((one, other) => Buffer.compare(Buffer.from(one.path), Buffer.from(other.path)));
}
