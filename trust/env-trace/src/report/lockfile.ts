/**
 * Which packages are not what they were when an older package-lock.json was written. A package is new where one of its copies
 * now is none that the older file has: by the name of its folder, its version, and the hash of its content, or, without one,
 * where it came from. Form: https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json
 */
import { reasonOf } from "@cupel/base";
import { envTraceErrors } from "../errors.ts";
import { packageNamed } from "../trace/preload/code-owner.ts";
import type { EnvAccess } from "./accesses.ts";

/** By the name of a package's folder: each copy of it, as one text. */
export type Lockfile = ReadonlyMap<string, ReadonlySet<string>>;

/** Lockfiles that are told apart from a broken one. */
const others: readonly (readonly [of: string, beginning: RegExp])[] = [
  ["pnpm", /^lockfileVersion:/m],
  ["Yarn", /^# yarn lockfile v1$|^__metadata:$/m],
];

/** Members that make a copy what it is. */
interface Copy {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly integrity?: unknown;
  readonly resolved?: unknown;
  readonly link?: unknown;
}

/** @param name of the file, for the message. @throws ENV_LOCKFILE_INVALID */
export function parseLockfile(text: string, name: string): Lockfile {
  const refusal = (what: string, cause?: unknown) =>
    envTraceErrors.error("ENV_LOCKFILE_INVALID", `The lockfile ${name} cannot be read: ${what}.`, { cause });
  const other = others.find(([, beginning]) => beginning.test(text));
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (thrown) {
    throw other === undefined
      ? refusal(`${reasonOf(thrown)}. Give a package-lock.json`, thrown)
      : refusal(`it is one of ${other[0]}, and only package-lock.json of npm is read`);
  }
  const version = isRecord(given) ? given.lockfileVersion : undefined;
  if (!isRecord(given) || (version !== 2 && version !== 3)) {
    const found = typeof version === "number" ? `its version is ${version}` : "it has no version";
    throw refusal(`${found}, and 2 and 3 are read, which npm writes from version 7 on`);
  }
  if (!isRecord(given.packages)) throw refusal("it has no packages");
  const copies = new Map<string, Set<string>>();
  for (const [path, entry] of Object.entries(given.packages)) {
    if (!isRecord(entry)) throw refusal(`its entry ${JSON.stringify(path)} is no object`);
    const folder = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    // The project, and what workspaces' links lead to.
    if (folder === undefined) continue;
    const name = packageNamed(folder);
    const found = copies.get(name) ?? new Set();
    copies.set(name, found.add(copyOf(entry)));
  }
  return copies;
}

/** A link leads to code that is kept with the lockfile, and is not new by its version. */
function copyOf({ name, version, integrity, resolved, link }: Copy): string {
  return link === true ? "link" : JSON.stringify([name, version, integrity ?? resolved]);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Accesses of packages that are new. What the present lockfile does not have is new, whatever the older one says. */
export function newSinceLockfile(
  accesses: readonly EnvAccess[],
  before: Lockfile,
  present: Lockfile,
): EnvAccess[] {
  const isNew = (name: string) => {
    const [then, now] = [before.get(name), present.get(name)];
    return then === undefined || now === undefined || !now.isSubsetOf(then);
  };
  return accesses.filter((each) => each.class === "package" && isNew(each.package));
}

/** What of a new package is worth a look before all else: it did something with a tagged name, or saw all. */
export function isGrave({ isTagged, key }: EnvAccess): boolean {
  return isTagged || key === null;
}
