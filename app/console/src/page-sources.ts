/**
 * Where pages lie. A page is a folder in `pages/` with a `main.tsx`, and is known by the folder's name; what all
 * pages share lies in `shared/`. A published package has no sources, only `dist/NAME.html`.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packageFolder = fileURLToPath(new URL("../", import.meta.url));

export const builtFolder = join(packageFolder, "dist");
export const noticeFile = join(packageFolder, "NOTICE");
export const shellFile = join(packageFolder, "shared", "shell.html");

export function pageFolder(name: string): string {
  return join(packageFolder, "pages", name);
}

export function templateFile(name: string): string {
  return join(builtFolder, `${name}.html`);
}

/** The pages whose sources are here, by name; none in a published package. */
export async function sourcePages(): Promise<string[]> {
  const folders = await readdir(pageFolder(""), { withFileTypes: true }).catch(() => []);
  const names = folders.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const mains = await Promise.all(names.map((name) => modifiedAt(join(pageFolder(name), "main.tsx"))));
  return names.filter((_, index) => mains[index] !== null).sort();
}

/**
 * When the newest file changed that a page is made of: its folder, what is shared, how it is built, and the
 * manifest, which names the versions of the libraries inside. Null in a published package.
 */
export async function newestSource(name: string): Promise<number | null> {
  const folder = pageFolder(name);
  if ((await modifiedAt(join(folder, "main.tsx"))) === null) return null;
  const folders = [folder, join(packageFolder, "shared"), join(packageFolder, "src")];
  const found = await Promise.all(folders.map(filesIn));
  const times = await Promise.all([...found.flat(), join(packageFolder, "package.json")].map(modifiedAt));
  return times.reduce<number>((newest, time) => Math.max(newest, time ?? 0), 0);
}

/** Milliseconds since the epoch, null where there is no such file. */
export async function modifiedAt(path: string): Promise<number | null> {
  return stat(path).then(
    (found) => found.mtimeMs,
    () => null,
  );
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
