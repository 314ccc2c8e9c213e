/** Where seals are: above a model, and in a folder of models. Either of the two files makes a folder a sealed one. */
import { lstat, readdir, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { sealNames } from "../seal/seal-names.ts";

/**
 * All of them count, so that a seal of its own, put into a sealed folder, takes nothing out of it.
 * @param repository nothing above it is looked at
 * @returns the nearest first
 * @throws what the system says where it cannot be known
 */
export async function sealedFoldersAbove(path: string, repository: string): Promise<string[]> {
  const root = resolve(repository);
  const folders: string[] = [];
  let at = dirname(resolve(path));
  for (; isInOrAt(root, at); at = dirname(at)) {
    if (await isSealed(at)) folders.push(at);
    if (at === root || at === dirname(at)) break;
  }
  return folders;
}

/** Below a folder of models: itself, folders of models, and folders of their versions, as a server looks for them. */
export async function sealedFoldersIn(repository: string): Promise<string[]> {
  const folders = (await isSealed(repository)) ? [repository] : [];
  for (const model of await foldersIn(repository)) {
    if (await isSealed(model)) folders.push(model);
    for (const version of await foldersIn(model)) {
      if (/[\\/]\d+$/.test(version) && (await isSealed(version))) folders.push(version);
    }
  }
  return folders;
}

async function isSealed(folder: string): Promise<boolean> {
  for (const name of sealNames) {
    try {
      // Whatever has that name: what is no file is refused where the seal is read.
      await lstat(join(folder, name));
      return true;
    } catch (thrown) {
      if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT")) throw thrown;
    }
  }
  return false;
}

/** Links are followed, as a server does. */
async function foldersIn(folder: string): Promise<string[]> {
  const folders: string[] = [];
  for (const name of await readdir(folder)) {
    if (name.startsWith(".")) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (found?.isDirectory()) folders.push(path);
  }
  return folders.sort();
}

export function isInOrAt(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
