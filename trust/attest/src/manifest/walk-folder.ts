/**
 * All that lies in a folder, without following a link: names, kinds, and for each the identity that tells whether it was
 * touched since.
 */
import { isUtf8 } from "node:buffer";
import type { BigIntStats } from "node:fs";
import { lstat, readdir, readlink, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { reasonOf, throwIfCancelled } from "@cupel/base";
import { attestErrors } from "../errors.ts";
import { shown } from "./check-manifest.ts";
import type { FolderEntry, LinkEntry } from "./manifest.ts";
import { pathRefusal, textRefusal } from "./path-rules.ts";

/** What the system says of a file without its content. */
export interface FileState {
  /** Bytes. */
  readonly size: number;
  /** Device, inode, mode, size, and nanoseconds of the last change of content and of state: other after any write. */
  readonly identity: string;
  /** The later of the two, nanoseconds since 1970. */
  readonly changedNs: bigint;
}

export interface FoundFile extends FileState {
  readonly kind: "file";
  readonly path: string;
  readonly executable: boolean;
}

/** Each list is in no order. */
export interface Walk {
  readonly files: readonly FoundFile[];
  readonly links: readonly LinkEntry[];
  readonly emptyFolders: readonly FolderEntry[];
  /** Those of the names to leave out that are there. */
  readonly excluded: readonly string[];
  /** By path, of full folders too, and of the folder itself as "". Files that were left out have none. */
  readonly identities: ReadonlyMap<string, string>;
}

export function stateOf({ dev, ino, mode, size, mtimeNs, ctimeNs }: BigIntStats): FileState {
  return {
    size: Number(size),
    identity: [dev, ino, mode, size, mtimeNs, ctimeNs].join(" "),
    changedNs: mtimeNs > ctimeNs ? mtimeNs : ctimeNs,
  };
}

/** Asked of the system at a time. */
const together = 64;
const ownerMayExecute = 0o100n;
const runsAsOwner = 0o6000n;

export interface LeftOut {
  /** Paths of files to leave out; one that is no file is refused. */
  readonly exclude: ReadonlySet<string>;
  /** Paths of anything, with all that is in it, that is not even looked at. */
  readonly ignore: ReadonlySet<string>;
}

/**
 * @throws FOLDER_UNREADABLE, FOLDER_CHANGED, ENTRY_REFUSED, NAME_REFUSED, CANCELLED, DEADLINE_EXCEEDED
 */
export async function walkFolder(
  root: string,
  { exclude, ignore }: LeftOut,
  signal?: AbortSignal,
): Promise<Walk> {
  const files: FoundFile[] = [];
  const links: LinkEntry[] = [];
  const emptyFolders: FolderEntry[] = [];
  const excluded: string[] = [];
  const identities = new Map<string, string>();

  async function look(path: string): Promise<void> {
    const stats = await asked(root, path, () => lstat(join(root, path), { bigint: true }));
    if (exclude.has(path)) {
      if (!stats.isFile()) throw refusal(root, path, "is to be left out and is no file");
      excluded.push(path);
      return;
    }
    const state = stateOf(stats);
    identities.set(path, state.identity);
    if (stats.isSymbolicLink()) {
      links.push({ kind: "link", path, target: await targetOf(root, path) });
    } else if (stats.isDirectory()) {
      folders.push(path);
    } else if (stats.isFile()) {
      if (stats.mode & runsAsOwner) throw refusal(root, path, "runs as its owner or group (set-user-ID)");
      const executable = process.platform !== "win32" && (stats.mode & ownerMayExecute) !== 0n;
      files.push({ kind: "file", path, executable, ...state });
    } else {
      throw refusal(root, path, `is a ${stats.isFIFO() ? "pipe" : stats.isSocket() ? "socket" : "device"}`);
    }
  }

  const folders = [""];
  identities.set("", stateOf(await asked(root, "", () => stat(root, { bigint: true }))).identity);
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const names = (await namesIn(root, folder)).filter((name) => !ignore.has(name));
    for (let at = 0; at < names.length; at += together) {
      throwIfCancelled(signal, `Reading ${root}`);
      await Promise.all(names.slice(at, at + together).map(look));
    }
    if (folder !== "" && names.every((name) => exclude.has(name))) {
      emptyFolders.push({ kind: "folder", path: folder });
    }
  }
  return { files, links, emptyFolders, excluded, identities };
}

/** Their paths below the root. */
async function namesIn(root: string, folder: string): Promise<string[]> {
  const names = await asked(root, folder, () => readdir(join(root, folder), { encoding: "buffer" }));
  return names.map((bytes) => {
    const name = bytes.toString();
    const path = folder === "" ? name : `${folder}/${name}`;
    const reason = isUtf8(bytes) ? pathRefusal(path) : "is not valid UTF-8";
    if (reason !== null) throw nameRefusal(root, path, reason, bytes);
    return path;
  });
}

async function targetOf(root: string, path: string): Promise<string> {
  const bytes = await asked(root, path, () => readlink(join(root, path), { encoding: "buffer" }));
  const target = sep === "/" ? bytes.toString() : bytes.toString().replaceAll(sep, "/");
  const reason = isUtf8(bytes) ? textRefusal(target) : "is not valid UTF-8";
  if (reason !== null) throw nameRefusal(root, path, `is a link whose target ${reason}`, bytes);
  return target;
}

/** What was there a moment ago and is gone has changed. */
async function asked<Answer>(root: string, path: string, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (thrown) {
    const isGone = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT" && path !== "";
    if (isGone) throw folderChanged(root, path, "is gone");
    throw attestErrors.error(
      "FOLDER_UNREADABLE",
      `${join(root, path)} cannot be read: ${reasonOf(thrown)}. Check the path and its permissions.`,
      { cause: thrown, details: { path: join(root, path) } },
    );
  }
}

/** @param how completes "... since the reading began" */
export function folderChanged(root: string, path: string, how: string) {
  const what = path === "" ? root : `${shown(path)} in ${root}`;
  return attestErrors.error(
    "FOLDER_CHANGED",
    `${what} ${how} since the reading began. Try again when nothing writes there.`,
    { details: { folder: root, path } },
  );
}

function refusal(root: string, path: string, what: string) {
  return attestErrors.error(
    "ENTRY_REFUSED",
    `${shown(path)} in ${root} ${what}. Only plain files, folders and symbolic links can be attested: remove it.`,
    { details: { folder: root, path } },
  );
}

function nameRefusal(root: string, path: string, reason: string, bytes: Buffer) {
  return attestErrors.error("NAME_REFUSED", `${shown(path)} in ${root} ${reason}. Rename it.`, {
    details: { folder: root, path, bytes: bytes.toString("hex") },
  });
}
