/**
 * The environment that Windows makes of the registry when somebody logs on: that of the machine, over it that of the user, over it that of
 * the session. Names are blind to case. PATH, LIBPATH and OS2LIBPATH of the user come behind those of the machine. REG_EXPAND_SZ is
 * expanded; what refers to a name that is not there, such as SystemRoot, or to itself, is `computed`.
 */
import { longestExpansion, type Statement, tooLong } from "../statement.ts";
import type { RegistryHive, RegistryValue } from "./registry-value.ts";

const joined = new Set(["PATH", "LIBPATH", "OS2LIBPATH"]);
const hives: readonly RegistryHive[] = ["machine", "user", "volatile"];

/** As the file system of Windows folds names: one character is one, so that "ß" stays. */
export function foldName(name: string): string {
  return Array.from(name, (character) => {
    const upper = character.toUpperCase();
    return upper.length === character.length ? upper : character;
  }).join("");
}

export interface OriginValue extends RegistryValue {
  /** Of the files that were read. */
  readonly source: number;
}

export type OriginStatement = Statement & { readonly source: number };

/**
 * @param values in their order: a later one of a hive takes the place of an earlier
 * @param assumed what is not in the registry, by its name
 */
export function joinRegistry(
  values: readonly OriginValue[],
  assumed: ReadonlyMap<string, string>,
): OriginStatement[] {
  return [...new RegistryEnvironment(values, assumed).statements()];
}

type Expanded = { readonly value: string } | { readonly why: string };

class RegistryEnvironment {
  readonly #hives = new Map<RegistryHive, Map<string, OriginValue>>(hives.map((hive) => [hive, new Map()]));
  readonly #assumed: ReadonlyMap<string, string>;
  /** Each is expanded once: references of references could be exponential. */
  readonly #done = new Map<OriginValue, Expanded>();

  constructor(values: readonly OriginValue[], assumed: ReadonlyMap<string, string>) {
    for (const value of values) {
      const hive = this.#hives.get(value.hive)!;
      if (value.value === null) hive.delete(foldName(value.name));
      else hive.set(foldName(value.name), value);
    }
    this.#assumed = new Map([...assumed].map(([name, value]) => [foldName(name), value]));
  }

  *statements(): Iterable<OriginStatement> {
    const names = new Set(hives.flatMap((hive) => [...this.#hives.get(hive)!.keys()]));
    for (const folded of names) {
      const [first, ...rest] = hives.flatMap((hive) => this.#hives.get(hive)!.get(folded) ?? []);
      if (first === undefined) continue;
      const last = rest.at(-1) ?? first;
      const { name, line, source } = last;
      const found = this.#valueAt(folded, hives.length, new Set());
      if ("why" in found) yield { kind: "computed", name, line, source, why: found.why };
      else yield { kind: "set", name, line, source, value: found.value };
    }
  }

  /** As the hives below `limit` make it. @param visiting values that are being expanded */
  #valueAt(folded: string, limit: number, visiting: ReadonlySet<OriginValue>): Expanded {
    const found = hives.slice(0, limit).flatMap((hive) => this.#hives.get(hive)!.get(folded) ?? []);
    const used = joined.has(folded) ? found : found.slice(-1);
    if (used.length === 0) {
      const value = this.#assumed.get(folded);
      return value === undefined
        ? { why: `it refers to ${folded}, which is not in the registry` }
        : { value };
    }
    const pieces: string[] = [];
    for (const each of used) {
      const expanded = this.#expand(each, visiting);
      if ("why" in expanded) return expanded;
      pieces.push(expanded.value);
    }
    return {
      value: pieces.reduce(
        (all, piece) => (all === "" || all.endsWith(";") ? all + piece : `${all};${piece}`),
        "",
      ),
    };
  }

  #expand(entry: OriginValue, visiting: ReadonlySet<OriginValue>): Expanded {
    const { type, value, name, hive } = entry;
    if (type === "REG_SZ" || value === null) return { value: value ?? "" };
    const done = this.#done.get(entry);
    if (done !== undefined) return done;
    if (visiting.has(entry)) return { why: `it refers to itself by way of ${name}` };
    const below = new Set([...visiting, entry]);
    const self = foldName(name);
    const rank = hives.indexOf(hive);
    let failed: Expanded | null = null;
    let length = 0;
    const text = value.replaceAll(/%([^%]+)%/g, (whole, reference: string) => {
      if (failed !== null) return whole;
      const folded = foldName(reference);
      // `%Path%` within Path means what is below it.
      const found = this.#valueAt(folded, folded === self ? rank : rank + 1, below);
      if ("value" in found) length += found.value.length;
      failed = length > longestExpansion ? { why: tooLong } : "why" in found ? found : null;
      return "value" in found ? found.value : whole;
    });
    const expanded = failed ?? { value: text };
    // What failed for being visited may succeed elsewhere.
    if (failed === null) this.#done.set(entry, expanded);
    return expanded;
  }
}
