/**
 * Every image under a folder, in an order that is the same on every machine, and what else lies there.
 *
 * A name that a decoded kind of image has is believed; the beginning of every other file is read. Links are
 * followed, up to where they lead back to a folder above themselves. Pipes and devices are never opened.
 */
import type { Dirent, Stats } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { openRegular, reasonOf } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import type { SkippedFiles } from "../image.ts";
import { KIND_BYTES, kindByName, kindOf } from "./image-kinds.ts";
import { SkippedList } from "./skipped-files.ts";

export interface WalkedFolder {
  /** Relative to the root, `/` between parts. */
  readonly files: readonly string[];
  /** The folders directly below the root that were looked into. */
  readonly folders: readonly string[];
  readonly skipped: readonly SkippedFiles[];
  /** How many files that look like images are not read, by first-level folder. */
  readonly unread: ReadonlyMap<string, number>;
}

/** What systems and tools put beside a person's files. Hidden folders are passed over as well. */
const SYSTEM_FOLDERS: ReadonlySet<string> = new Set([
  "__macosx",
  "@eadir",
  "$recycle.bin",
  "system volume information",
  "lost+found",
  "__pycache__",
]);

/** Links to folders one inside another; more of them multiply what is found without end. */
const MOST_LINKS = 8;

/** Files of one folder whose beginnings are read at once. */
const AT_ONCE = 32;

/** Code-unit order, which unlike a locale's is the same on every machine. */
const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

type Entry =
  | { readonly is: "image" | "folder" | "linkedFolder" }
  | { readonly is: "skipped"; readonly kind: string; readonly isImage: boolean };

/** @throws IMAGE_SOURCE_UNKNOWN when a folder cannot be read. */
export async function walkFolder(root: string): Promise<WalkedFolder> {
  const files: string[] = [];
  const folders: string[] = [];
  const skipped = new SkippedList();
  const unread = new Map<string, number>();
  const skip = (path: string, kind: string, isImage: boolean): void => {
    skipped.add(kind, isImage, path);
    const [top] = path.split("/");
    if (isImage && top !== undefined && top !== path) unread.set(top, (unread.get(top) ?? 0) + 1);
  };

  /** @param above real paths of the folder and those it lies in; only known where a link was followed. */
  const walk = async (folder: string, above: readonly string[], links: number): Promise<void> => {
    const entries = (await listed(join(root, folder))).sort(byName);
    for (let from = 0; from < entries.length; from += AT_ONCE) {
      const some = entries.slice(from, from + AT_ONCE);
      const found = await Promise.all(some.map((entry) => lookAt(join(root, folder), entry)));
      for (const [i, entry] of found.entries()) {
        const { name } = some[i]!;
        const path = folder === "" ? name : `${folder}/${name}`;
        if (entry.is === "image") {
          files.push(path);
        } else if (entry.is === "skipped") {
          skip(path, entry.kind, entry.isImage);
        } else {
          const real = await realpath(join(root, path));
          const isLink = entry.is === "linkedFolder";
          if (isLink && (above.includes(real) || links === MOST_LINKS)) {
            skip(
              path,
              above.includes(real) ? "link to a folder above it" : "link inside too many links",
              false,
            );
            continue;
          }
          if (folder === "") folders.push(name);
          await walk(path, [...above, real], links + (isLink ? 1 : 0));
        }
      }
    }
  };
  await walk("", [await realpath(root)], 0);
  return { files, folders, skipped: skipped.list(), unread };
}

async function listed(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (thrown) {
    throw visionErrors.error(
      "IMAGE_SOURCE_UNKNOWN",
      `The folder ${folder} cannot be read: ${reasonOf(thrown)}. Make it readable, or move it away.`,
      { cause: thrown, details: { path: folder } },
    );
  }
}

async function lookAt(folder: string, entry: Dirent): Promise<Entry> {
  const { name } = entry;
  const isImage = kindByName(name) !== null;
  const link = entry.isSymbolicLink();
  // A file system may not tell the type of its entries, and a link's own type says nothing.
  const isTold = entry.isFile() || entry.isDirectory();
  const what: Dirent | Stats | null = isTold ? entry : await stat(join(folder, name)).catch(() => null);
  const isFolder = what?.isDirectory() ?? false;
  if (name.startsWith("."))
    return { is: "skipped", kind: isFolder ? "hidden folder" : "hidden file", isImage: false };
  if (what === null) return { is: "skipped", kind: "dangling link", isImage };
  if (isFolder) {
    if (SYSTEM_FOLDERS.has(name.toLowerCase()))
      return { is: "skipped", kind: "system folder", isImage: false };
    return { is: link ? "linkedFolder" : "folder" };
  }
  if (!what.isFile()) return { is: "skipped", kind: specialKind(what), isImage };
  return await lookInside(join(folder, name), name);
}

function specialKind(what: Dirent | Stats): string {
  if (what.isFIFO()) return "pipe";
  return what.isSocket() ? "socket" : "device";
}

async function lookInside(path: string, name: string): Promise<Entry> {
  const named = kindByName(name);
  if (named?.isDecoded) return { is: "image" };
  const extension = extname(name).toLowerCase();
  let head: Uint8Array;
  try {
    head = await headOf(path);
  } catch {
    return { is: "skipped", kind: "file that cannot be opened", isImage: named !== null };
  }
  const kind = kindOf(name, head);
  if (kind?.isDecoded) return { is: "image" };
  if (kind !== null) return { is: "skipped", kind: `${kind.name} image`, isImage: true };
  return {
    is: "skipped",
    kind: extension === "" ? "file without extension" : `${extension} file`,
    isImage: false,
  };
}

async function headOf(path: string): Promise<Uint8Array> {
  await using file = await openRegular(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(KIND_BYTES), 0, KIND_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}
