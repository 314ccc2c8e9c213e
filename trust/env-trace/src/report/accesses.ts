/**
 * What a trace comes to: who did what with which name, each fact once, with how often, by whose call and since when. Whether
 * the policy lists it is decided by the same code as in the traced process.
 */
import type { CodeClass, Observation, ObservationKind } from "../observation.ts";
import { type EnvPolicy, taggedNames } from "../policy/env-policy.ts";
import { listedNames, namesOfNode } from "../policy/listed-names.ts";
import { createRights, type RowRights } from "../policy/rights.ts";

export interface EnvAccess {
  readonly package: string;
  readonly class: CodeClass;
  readonly kind: ObservationKind;
  /** null: of no single name. */
  readonly key: string | null;
  readonly isTagged: boolean;
  /** At least: see `Observation.count`. */
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly firstSeen: number;
  /** Packages by whose call it was done, sorted. */
  readonly callers: readonly string[];
  /** Of children that got it, as they were first started. */
  readonly commands: readonly string[];
  readonly file: string | null;
  readonly line: number | null;
  readonly isListed: boolean;
  readonly isDenied: boolean;
}

const rightOf: Readonly<Record<ObservationKind, (rights: RowRights) => (name: string) => boolean>> = {
  read: ({ read }) => read,
  write: ({ write }) => write,
  delete: ({ write }) => write,
  "load-file": ({ write }) => write,
  inherit: ({ children }) => children,
  enumerate: () => () => true,
  report: () => () => true,
};

/** @returns sorted by package, kind and name */
export function accessesOf(observations: readonly Observation[], policy: EnvPolicy): EnvAccess[] {
  const anyCase = process.platform === "win32";
  const rights = createRights(policy.packages === null ? null : [...policy.packages], anyCase);
  const isTagged = listedNames([...taggedNames, ...policy.secrets], true);
  const isOfNode = listedNames(namesOfNode, anyCase);
  const found = new Map<string, EnvAccess>();
  for (const each of observations) {
    const { package: name, kind, key, caller, command } = each;
    // That a child was started which gets no tagged name is nothing about the environment.
    if (kind === "inherit" && key === null) continue;
    const id = accessId(each);
    const before = found.get(id);
    const { file, line } = before === undefined || before.file === null ? each : before;
    const isListed = key === null || (name === "node" && isOfNode(key)) || rightOf[kind](rights(name))(key);
    found.set(id, {
      package: name,
      class: each.class,
      kind,
      key,
      isTagged: key !== null && isTagged(key),
      count: (before?.count ?? 0) + each.count,
      firstSeen: Math.min(before?.firstSeen ?? each.at, each.at),
      callers: withMore(before?.callers, caller),
      commands: withMore(before?.commands, command),
      file,
      line,
      isListed,
      isDenied: (before?.isDenied ?? false) || each.denied,
    });
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, access]) => access);
}

/** The same for the same fact, in any trace. */
export function accessId({ package: name, kind, key }: Pick<EnvAccess, "package" | "kind" | "key">): string {
  return `${name}\n${kind}\n${key ?? ""}`;
}

function withMore(before: readonly string[] = [], more: string | null): readonly string[] {
  return more === null || before.includes(more) ? before : [...before, more].sort();
}
