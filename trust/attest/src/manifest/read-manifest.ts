/**
 * The manifest of a folder as it is at one moment: walked, hashed, and walked again. Whatever was written, moved or
 * swapped in between shows in the times of the file or of the folder around it, and the reading is refused.
 */
import { realpath } from "node:fs/promises";
import { moduleBeside, reasonOf } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { checkCollisions, checkLinks } from "./check-manifest.ts";
import { type DigestCacheOptions, openDigestCache } from "./digest-cache.ts";
import { digestFile } from "./digest-file.ts";
import { type DigestPoolOptions, digestAll } from "./digest-pool.ts";
import { type HashName, hashNames, inPathOrder, type Manifest } from "./manifest.ts";
import { type FoundFile, folderChanged, type Walk, walkFolder } from "./walk-folder.ts";

export interface ManifestOptions extends DigestPoolOptions {
  /**
   * Paths of files that do not count, such as "attestation.json"; they need not be there. A folder or a link of such a
   * name is refused. Default none.
   */
  readonly exclude?: readonly string[] | undefined;
  /** Paths of files, links and folders that are not looked at, whatever is in them, such as ".git". Default none. */
  readonly ignore?: readonly string[] | undefined;
  /** Default none: every file is read. */
  readonly cache?: DigestCacheOptions | undefined;
}

/**
 * A link to the folder is followed, those in it are not.
 * @throws FOLDER_UNREADABLE, FOLDER_CHANGED, ENTRY_REFUSED, NAME_REFUSED, NAME_COLLISION, LINK_REFUSED; OPTION_INVALID
 * for a cache in the folder; WRITE_FAILED, DISK_FULL of the cache; THREAD_CRASHED, CANCELLED, DEADLINE_EXCEEDED
 */
export function readManifest(folder: string, options: ManifestOptions = {}): Promise<Manifest> {
  return readBy(hashNames, folder, options);
}

/**
 * Without SM3: in a quarter of the time it finds every difference that `readManifest` would. There is no root of it.
 * @throws as `readManifest`
 */
export function readSha256Manifest(
  folder: string,
  options: ManifestOptions = {},
): Promise<Manifest<"sha256">> {
  return readBy(["sha256"], folder, options);
}

const thread = moduleBeside(import.meta.url, "digest-thread");

async function readBy<Hash extends HashName>(
  hashes: readonly Hash[],
  folder: string,
  options: ManifestOptions,
): Promise<Manifest<Hash>> {
  const { files, links, emptyFolders, digests } = await readSteadily(folder, options, async (root, found) => {
    const cache = await openDigestCache(root, options.cache);
    const unknown = found.filter((file) => cache.digestsOf(file) === null);
    const read = await digestAll({ place: root, digestOne: digestFile, thread }, unknown, hashes, options);
    return {
      save: () => cache.save(found, read, options.signal),
      of: (file: FoundFile) => cache.digestsOf(file) ?? read.get(file.path)!,
    };
  });
  await digests.save();
  return inPathOrder([
    ...links,
    ...emptyFolders,
    ...files.map((file) => {
      const { kind, path, size, executable } = file;
      return { kind, path, size, executable, ...digests.of(file) };
    }),
  ]);
}

/**
 * Walks, digests, and walks again: both walks must find the same.
 * @param digest of the files in the folder without links
 * @throws what `readManifest` throws
 */
export async function readSteadily<Digested>(
  folder: string,
  { exclude = [], ignore = [], signal }: ManifestOptions,
  digest: (root: string, files: readonly FoundFile[]) => Promise<Digested>,
): Promise<Walk & { readonly digests: Digested }> {
  const root = await realFolder(folder);
  const leftOut = { exclude: new Set(exclude), ignore: new Set(ignore) };
  const walk = await walkFolder(root, leftOut, signal);
  checkCollisions([...walk.identities.keys(), ...walk.excluded], root);
  checkLinks(walk.links, root);
  const digests = await digest(root, walk.files);
  assertSame(root, walk, await walkFolder(root, leftOut, signal));
  return { ...walk, digests };
}

async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (thrown) {
    throw attestErrors.error(
      "FOLDER_UNREADABLE",
      `${folder} cannot be read: ${reasonOf(thrown)}. Check the path.`,
      { cause: thrown, details: { path: folder } },
    );
  }
}

/** @throws FOLDER_CHANGED */
function assertSame(root: string, before: Walk, after: Walk): void {
  for (const [path, identity] of before.identities) {
    if (after.identities.get(path) !== identity) throw folderChanged(root, path, "was changed or replaced");
  }
  for (const path of after.identities.keys()) {
    if (!before.identities.has(path)) throw folderChanged(root, path, "appeared");
  }
}
