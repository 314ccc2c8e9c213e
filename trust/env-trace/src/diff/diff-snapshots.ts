/**
 * What differs between two snapshots, in three classes: only in the first, only in the second, another value. With what is persistent first
 * and what is live second the classes are: only persistent, only live, differs. A variable that one of them has as computed is in both,
 * and whether its value is the same is not known: that is counted and is no difference.
 */
import { envTraceErrors } from "../errors.ts";
import type { Snapshot, SnapshotEnvironment, SnapshotVariable } from "../snapshot/snapshot.ts";
import { foldName } from "../snapshot/windows/windows-environment.ts";

export type DifferenceClass = "only-first" | "only-second" | "differs";

export interface EnvironmentDifference {
  readonly class: DifferenceClass;
  readonly scope: string;
  readonly name: string;
  /** Null where it is not in it. */
  readonly first: SnapshotVariable | null;
  readonly second: SnapshotVariable | null;
}

export interface SnapshotDiff {
  /** In the order of scopes and names. */
  readonly differences: readonly EnvironmentDifference[];
  /** Variables whose values are the same. */
  readonly same: number;
  /** Names that are in both, one of them computed. */
  readonly unknown: readonly string[];
}

export interface DiffOptions {
  /** One environment of each, whatever their scopes are called. Default: environments of the same scope, or the only ones. */
  readonly firstScope?: string | undefined;
  readonly secondScope?: string | undefined;
}

/** @throws ENV_KEYS_DIFFER, ENV_SCOPE_UNKNOWN */
export function diffSnapshots(
  first: Snapshot,
  second: Snapshot,
  { firstScope, secondScope }: DiffOptions = {},
): SnapshotDiff {
  if (first.keyId !== second.keyId) {
    throw envTraceErrors.error(
      "ENV_KEYS_DIFFER",
      `The snapshots were taken under different keys, ${first.keyId} and ${second.keyId}: nothing can be said of their values. Take both under one key.`,
      { details: { first: first.keyId, second: second.keyId } },
    );
  }
  const fold = first.isCaseBlind || second.isCaseBlind ? foldName : (name: string) => name;
  const differences: EnvironmentDifference[] = [];
  const unknown: string[] = [];
  let same = 0;
  for (const { scope, left, right } of pairs(first, second, firstScope, secondScope)) {
    const rest = new Map(right.map((variable) => [fold(variable.name), variable]));
    for (const variable of left) {
      const other = rest.get(fold(variable.name)) ?? null;
      rest.delete(fold(variable.name));
      const { name } = variable;
      if (other === null)
        differences.push({ class: "only-first", scope, name, first: variable, second: null });
      else if (variable.digest === null || other.digest === null) unknown.push(name);
      else if (variable.digest === other.digest) same++;
      else differences.push({ class: "differs", scope, name, first: variable, second: other });
    }
    for (const variable of rest.values()) {
      differences.push({ class: "only-second", scope, name: variable.name, first: null, second: variable });
    }
  }
  return { differences, same, unknown };
}

interface Pair {
  readonly scope: string;
  readonly left: readonly SnapshotVariable[];
  readonly right: readonly SnapshotVariable[];
}

function pairs(
  first: Snapshot,
  second: Snapshot,
  firstScope: string | undefined,
  secondScope: string | undefined,
): Pair[] {
  const areOnly = first.environments.length === 1 && second.environments.length === 1;
  if (firstScope !== undefined || secondScope !== undefined || areOnly) {
    const [left, right] = [chosen(first, firstScope, "first"), chosen(second, secondScope, "second")];
    return [
      {
        scope: left.scope === right.scope ? left.scope : `${left.scope} / ${right.scope}`,
        left: left.variables,
        right: right.variables,
      },
    ];
  }
  const of = ({ environments }: Snapshot) =>
    new Map(environments.map(({ scope, variables }) => [scope, variables]));
  const [left, right] = [of(first), of(second)];
  return [...new Set([...left.keys(), ...right.keys()])].map((scope) => ({
    scope,
    left: left.get(scope) ?? [],
    right: right.get(scope) ?? [],
  }));
}

function chosen({ environments }: Snapshot, scope: string | undefined, which: string): SnapshotEnvironment {
  const [only] = environments;
  const found =
    scope === undefined
      ? environments.length === 1
        ? only
        : undefined
      : environments.find((each) => each.scope === scope);
  if (found !== undefined) return found;
  const names = environments.map((each) => `"${each.scope}"`).join(", ");
  throw envTraceErrors.error(
    "ENV_SCOPE_UNKNOWN",
    environments.length === 0
      ? `The ${which} snapshot has no environment.`
      : `The ${which} snapshot has the environments ${names}: name one of them.`,
    { details: { scopes: environments.map((each) => each.scope) } },
  );
}
