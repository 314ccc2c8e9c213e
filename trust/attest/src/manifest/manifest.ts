/**
 * What a folder is, as data: an entry for each file, each symbolic link and each empty folder, in the order of their
 * paths' code points. A folder that holds something is not named: the paths in it say that it is there, so that an
 * archive without entries for folders has the same manifest.
 *
 * Of the mode one bit counts, as in git: whether the owner may execute the file. All others depend on who unpacked it.
 * Windows has no such bit: nothing is executable there.
 */

/** SHA-256 is what other people's tools verify; SM3 (GB/T 32905) is for those who must use it. */
export const hashNames = ["sha256", "sm3"] as const;

export type HashName = (typeof hashNames)[number];

/** In lower-case hex, 64 digits each. */
export type Digests<Hash extends HashName = HashName> = Readonly<Record<Hash, string>>;

export interface FileFacts {
  readonly kind: "file";
  /** Below the folder, with `/` between names. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** By its owner. */
  readonly executable: boolean;
}

export type FileEntry<Hash extends HashName = HashName> = FileFacts & Digests<Hash>;

/** A symbolic link. It is never followed: its target is its content. */
export interface LinkEntry {
  readonly kind: "link";
  readonly path: string;
  readonly target: string;
}

/** One in which nothing lies that counts. */
export interface FolderEntry {
  readonly kind: "folder";
  readonly path: string;
}

export type ManifestEntry<Hash extends HashName = HashName> = FileEntry<Hash> | LinkEntry | FolderEntry;

export type Manifest<Hash extends HashName = HashName> = readonly ManifestEntry<Hash>[];

/** By code point, which is the order of the bytes in UTF-8; that of JavaScript's strings differs beyond U+FFFF. */
export function inPathOrder<Entry extends { readonly path: string }>(entries: readonly Entry[]): Entry[] {
  return entries
    .map((entry) => ({ entry, bytes: Buffer.from(entry.path) }))
    .sort((one, other) => one.bytes.compare(other.bytes))
    .map(({ entry }) => entry);
}
