/**
 * The licences of the libraries inside a page, as their authors ship them: who passes the file on passes them on too.
 * Which libraries those are is read from the bundle, so that a new one cannot be forgotten. Helper code that the
 * bundler itself writes between modules comes from no package and is not listed.
 */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface Library {
  readonly name: string;
  readonly version: string;
  /** SPDX. */
  readonly licence: string;
  /** The whole licence and notice files, parts from third parties included. */
  readonly text: string;
}

/** LICENSE, LICENSE.txt, LICENCE, NOTICE; and `licenses/`, where parts from elsewhere have theirs. */
const LEGAL_FILE = /^(licen[cs]e|notice)(\.(txt|md))?$/i;
const LEGAL_FOLDER = /^licen[cs]es$/i;

/**
 * The npm packages that modules of a bundle come from, sorted by name, each once.
 * @param moduleIds absolute paths, as the bundler names modules
 * @throws Error when a package has no licence file
 */
export async function librariesOf(moduleIds: readonly string[]): Promise<Library[]> {
  const folders = moduleIds.map(packageFolderOf).filter((folder) => folder !== null);
  return librariesByName(await Promise.all([...new Set(folders)].map(readLibrary)));
}

/** Sorted by name, each once. */
export function librariesByName(libraries: readonly Library[]): Library[] {
  const unique = new Map(libraries.map((library) => [`${library.name} ${library.version}`, library]));
  return [...unique.values()].sort((a, b) => a.name.localeCompare(b.name, "en"));
}

/** The text of the package's NOTICE file. */
export function noticeText(libraries: readonly Library[]): string {
  const parts = libraries.map(
    (library) => `${"=".repeat(80)}\n${titleOf(library)}\n${"=".repeat(80)}\n\n${library.text}\n`,
  );
  return `The pages of @cupel/console carry these libraries.\nThis file is written by the build, from the licence files of the packages.\n\n${parts.join("\n")}`;
}

/** A closed part at the foot of a page: there without the script, and out of the way. */
export function noticeHtml(libraries: readonly Library[]): string {
  const parts = libraries.map(
    (library) => `<h2>${escapeHtml(titleOf(library))}</h2>\n<pre>${escapeHtml(library.text)}</pre>`,
  );
  return `<footer class="licences"><details>\n<summary>Licences of the libraries in this file</summary>\n${parts.join("\n")}\n</details></footer>`;
}

/** Text that cannot become markup, in an element or in an attribute. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function titleOf({ name, version, licence }: Library): string {
  return `${name} ${version} (${licence})`;
}

/** "…/node_modules/@scope/name" of the innermost package; null for a source of our own. */
function packageFolderOf(moduleId: string): string | null {
  const path = moduleId.replaceAll("\\", "/");
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? null;
}

async function readLibrary(folder: string): Promise<Library> {
  const manifest: { name: string; version: string; license: string } = JSON.parse(
    await readFile(join(folder, "package.json"), "utf8"),
  );
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .filter(
      ({ name, parentPath }) =>
        (parentPath === folder && LEGAL_FILE.test(name)) ||
        (dirname(parentPath) === folder && LEGAL_FOLDER.test(parentPath.slice(folder.length + 1))),
    )
    .map(({ name, parentPath }) => join(parentPath, name))
    .sort();
  if (files.length === 0) throw new Error(`${manifest.name} is in the page but ships no licence file`);
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  return {
    name: manifest.name,
    version: manifest.version,
    licence: manifest.license,
    text: texts.map((text) => text.trim()).join("\n\n"),
  };
}
