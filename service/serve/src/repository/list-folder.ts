/** Reads the names that `scan` looks at. Links are followed: a mounted volume may have nothing else. */
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ListedFolder } from "./scan.ts";

/** The folder, those of models, those of versions. */
const levels = 3;

/** @throws what the system says where the folder itself cannot be read; what vanishes meanwhile is left out */
export async function listFolder(path: string, depth = levels): Promise<ListedFolder> {
  const files: string[] = [];
  const folders = new Map<string, ListedFolder>();
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.name.startsWith(".")) continue;
    const inside = join(path, entry.name);
    const kind = await kindOf(entry, inside);
    if (kind === "file") files.push(entry.name);
    // Inside a model's folder only numbers are versions: what else lies there may be large.
    if (kind !== "folder" || depth === 1 || (depth < levels && !/^\d+$/.test(entry.name))) continue;
    const listed = await listFolder(inside, depth - 1).catch(() => null);
    if (listed !== null) folders.set(entry.name, listed);
  }
  return { files: files.sort(), folders };
}

async function kindOf(entry: Dirent, path: string): Promise<"file" | "folder" | "other"> {
  if (!entry.isSymbolicLink()) return entry.isFile() ? "file" : entry.isDirectory() ? "folder" : "other";
  const target = await stat(path).catch(() => null);
  return target?.isFile() ? "file" : target?.isDirectory() ? "folder" : "other";
}
