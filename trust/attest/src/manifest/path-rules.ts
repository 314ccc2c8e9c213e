/**
 * Which paths a manifest takes: those that mean the same on every system. A file system that ignores case or Unicode
 * forms would make one file of two, a backslash is a separator on Windows, and control characters deceive whoever reads
 * a list of names. What strangers wrote is bounded too, so that no work on it is more than a few times its length.
 */

/** Bytes of a path, and of the target of a link: more cannot be opened by Linux. */
export const longestPath = 4096;
/** Names in it. */
export const deepestPath = 128;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f]/u;

/** What is wrong with a path below a folder; completes "it ...". Null where nothing is. */
export function pathRefusal(path: string): string | null {
  const reason = textRefusal(path);
  if (reason !== null) return reason;
  const names = path.split("/");
  if (names.length > deepestPath) return `has ${names.length} names, more than ${deepestPath}`;
  for (const name of names) {
    if (name === "") return "has an empty name, as of a slash too many";
    if (name === "." || name === "..") return `has the name "${name}", which leads elsewhere`;
  }
  return null;
}

/** The same of the target of a link, which may lead upwards. */
export function textRefusal(text: string): string | null {
  if (Buffer.byteLength(text) > longestPath) return `is longer than ${longestPath} bytes`;
  if (!text.isWellFormed()) return "is not valid Unicode";
  if (control.test(text)) return "has a control character";
  if (text.includes("\\")) return "has a backslash, which separates names on Windows";
  return null;
}

const ascii = /^[ -~]*$/;

/**
 * What is the same of paths that differ by case or Unicode form only. More than any one file system takes for the same:
 * `ß` and `ss` as well.
 */
export function foldPath(path: string): string {
  if (ascii.test(path)) return path.toUpperCase();
  return path.normalize("NFD").toLowerCase().toUpperCase().normalize("NFD");
}

/** Two paths, or folders on them, that differ by case or Unicode form only; null where there are none. */
export function findCollision(paths: Iterable<string>): readonly [string, string] | null {
  // Name by name, as a tree: folders above folders would be looked at again for each path below them.
  const known = new Map<string, { readonly id: number; readonly name: string }>();
  for (const path of paths) {
    let folder = 0;
    let above = "";
    for (const name of path.split("/")) {
      const key = `${folder} ${foldPath(name)}`;
      const other = known.get(key) ?? { id: known.size + 1, name };
      if (other.name !== name) return [above + other.name, above + name];
      if (other.id > known.size) known.set(key, other);
      folder = other.id;
      above += `${name}/`;
    }
  }
  return null;
}

/** "a", "a/b" of "a/b/c". */
export function foldersAbove(path: string): string[] {
  const folders: string[] = [];
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) folders.push(path.slice(0, at));
  return folders;
}
