/** Children by their command and who started them, with the secrets that each got. */
import type { EnvTraceDocument } from "../../../src/env-pages.ts";

export interface TracedChild {
  readonly command: string;
  readonly starter: string;
  readonly names: readonly string[];
}

/** Those that got most first. */
export function childrenOf({ accesses, packages, keys }: EnvTraceDocument): TracedChild[] {
  const found = new Map<string, { command: string; starter: string; names: Set<string> }>();
  for (const { kind, key, package: at, commands } of accesses) {
    if (kind !== "inherit" || key === null) continue;
    const name = keys.at(key)?.name ?? "";
    for (const command of commands) {
      const id = `${at} ${command}`;
      const child = found.get(id) ?? { command, starter: packages[at]?.name ?? "", names: new Set() };
      child.names.add(name);
      found.set(id, child);
    }
  }
  return [...found.values()]
    .map(({ names, ...child }) => ({ ...child, names: [...names].sort() }))
    .sort((a, b) => b.names.length - a.names.length);
}
