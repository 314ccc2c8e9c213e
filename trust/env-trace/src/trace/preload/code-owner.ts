/**
 * Which package a file belongs to. Below a `node_modules` it is the folder after the last one, which is the name that the
 * lockfile has; the name inside a package.json is what its author likes. Elsewhere, as in a workspace whose packages are
 * links, it is the nearest package.json with a name; where that is the project's own, or there is none, the program.
 * A bundle of many packages in one file is its owner's, and all that is inside a package manager is the package manager's.
 */
import { readFileSync } from "node:fs";
import { dirname, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { CodeClass } from "../../observation.ts";
import {
  endsWith,
  hasOwn,
  indexOf,
  lastIndexOf,
  NameMap,
  replaceAll,
  slice,
  startsWith,
} from "./primordials.ts";

export interface CodeOwner {
  readonly package: string;
  readonly class: CodeClass;
}

const parseJson = JSON.parse;

export const nodeItself: CodeOwner = { package: "node", class: "program" };
export const program: CodeOwner = { package: "program", class: "program" };
export const unknownOwner: CodeOwner = { package: "unknown", class: "program" };

const ofNoPackage: readonly string[] = [program.package, nodeItself.package, unknownOwner.package];

/** What a package is called here: one that has the name of what is no package is not to have its rights. */
export function packageNamed(name: string): string {
  for (let i = 0; i < ofNoPackage.length; i++) if (ofNoPackage[i] === name) return `npm:${name}`;
  return name;
}

const tools: readonly string[] = ["npm", "npx", "pnpm", "yarn", "corepack"];
const modules = "/node_modules/";

/** Is it the name of a package manager? */
export function isTool(name: string): boolean {
  for (let i = 0; i < tools.length; i++) if (tools[i] === name) return true;
  return false;
}

/** @param root the project's folder. @returns the owner of a file, null where the name is no path */
export function createOwners(root: string): (file: string) => CodeOwner | null {
  const known = new NameMap<CodeOwner>();
  const folders = new NameMap<string>();
  const projectFolder = slashed(root);
  return (file) => {
    const found = known.get(file);
    if (found !== undefined) return found;
    const path = pathOf(file);
    if (path === null) return null;
    const owner = ownerOf(slashed(path), path);
    known.set(file, owner);
    return owner;
  };

  function ownerOf(path: string, native: string): CodeOwner {
    const isOutside = !startsWith(path, `${projectFolder}/`);
    const at = lastIndexOf(path, modules);
    const name = at >= 0 ? packageAfter(slice(path, at + modules.length)) : nearestName(dirname(native));
    if (name === "") return program;
    const tool = isOutside ? toolOf(path, name) : null;
    return tool === null
      ? { package: packageNamed(name), class: "package" }
      : { package: tool, class: "tool" };
  }

  /** "" for the project itself, and where there is none. */
  function nearestName(folder: string): string {
    const found = folders.get(folder);
    if (found !== undefined) return found;
    const above = dirname(folder);
    const isProject = slashed(folder) === projectFolder;
    const name = isProject ? "" : (nameIn(folder) ?? (above === folder ? "" : nearestName(above)));
    folders.set(folder, name);
    return name;
  }
}

/** null: a name that is no place, such as "[eval]" or what `vm` was told. */
function pathOf(file: string): string | null {
  if (startsWith(file, "file:")) {
    try {
      return fileURLToPath(file);
    } catch {
      return null;
    }
  }
  const isAbsolute = startsWith(file, "/") || (sep === "\\" && (file[1] === ":" || startsWith(file, "\\\\")));
  return isAbsolute ? file : null;
}

function slashed(path: string): string {
  return sep === "\\" ? replaceAll(path, "\\", "/") : path;
}

/** "name" or "@scope/name". */
function packageAfter(path: string): string {
  const first = indexOf(path, "/");
  if (first < 0) return path;
  if (!startsWith(path, "@")) return slice(path, 0, first);
  const rest = slice(path, first + 1);
  const second = indexOf(rest, "/");
  return second < 0 ? path : slice(path, 0, first + 1 + second);
}

function nameIn(folder: string): string | null {
  try {
    const manifest: unknown = parseJson(
      readFileSync(`${folder}${endsWith(folder, sep) ? "" : sep}package.json`, "utf8"),
    );
    if (typeof manifest !== "object" || manifest === null || !hasOwn(manifest, "name")) return null;
    const { name } = manifest as { readonly name: unknown };
    return typeof name === "string" && name !== "" ? name : null;
  } catch {
    return null;
  }
}

function toolOf(path: string, name: string): string | null {
  for (let i = 0; i < tools.length; i++) {
    const tool = tools[i]!;
    if (name === tool || indexOf(path, `${modules}${tool}/`) >= 0) return tool;
  }
  return null;
}
