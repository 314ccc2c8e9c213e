/** A trace as the page of the console has it. Pure. */
import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { EnvTraceDocument } from "@cupel/console";
import type { EnvAccess } from "@cupel/env-trace";

export interface TracePageFacts
  extends Pick<
    EnvTraceDocument,
    "program" | "status" | "signal" | "tracedAt" | "mode" | "baseline" | "lockfile"
  > {
  /** The folder of the project: paths in it are written from there. */
  readonly root: string;
  readonly isNew: (access: EnvAccess) => boolean;
  readonly isOfNewPackage: (access: EnvAccess) => boolean;
}

export function tracePage(
  accesses: readonly EnvAccess[],
  { root, isNew, isOfNewPackage, ...facts }: TracePageFacts,
): Omit<EnvTraceDocument, "format"> {
  const packages = new Map<string, EnvTraceDocument["packages"][number]>();
  for (const access of accesses) {
    const { package: name, class: of } = access;
    packages.set(name, { name, class: of, isNew: isOfNewPackage(access) });
  }
  const keys = new Map<string, EnvTraceDocument["keys"][number]>();
  for (const { key: name, isTagged } of accesses) if (name !== null) keys.set(name, { name, isTagged });
  const packageAt = placesOf(packages);
  const keyAt = placesOf(keys);
  return {
    ...facts,
    packages: [...packages.values()],
    keys: [...keys.values()],
    accesses: accesses.map((access) => ({
      package: packageAt.get(access.package) ?? 0,
      key: access.key === null ? null : (keyAt.get(access.key) ?? null),
      kind: access.kind,
      count: access.count,
      firstSeen: access.firstSeen,
      callers: access.callers,
      commands: access.commands,
      place: placeText(access, root),
      isListed: access.isListed,
      isDenied: access.isDenied,
      isNew: isNew(access),
    })),
  };
}

function placesOf(names: ReadonlyMap<string, unknown>): ReadonlyMap<string, number> {
  return new Map([...names.keys()].map((name, at) => [name, at]));
}

function placeText({ file, line }: EnvAccess, root: string): string | null {
  if (file === null) return null;
  const path = pathOf(file);
  const within = relative(root, path);
  const shown = within.startsWith("..") || !path.startsWith(root) ? path : within.replaceAll(sep, "/");
  return line === null ? shown : `${shown}:${line}`;
}

/** What a program names its code by may look like an address and be none. */
function pathOf(file: string): string {
  try {
    return file.startsWith("file:") ? fileURLToPath(file) : file;
  } catch {
    return file;
  }
}
