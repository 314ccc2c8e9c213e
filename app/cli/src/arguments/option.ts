/**
 * An option as data: how it is written, what a person is told, and how its text becomes a value of a type.
 * The parser and the help read the same rows, so that neither can know an option the other does not.
 */
import { baseErrors } from "@cupel/base";
import { parseByteSize } from "./byte-size.ts";

export interface Option<T> {
  /** Without the dashes. */
  readonly name: string;
  /** One letter. */
  readonly short: string | null;
  /** The name it had in an earlier version, still read with a remark; null when it never had another. */
  readonly formerly: string | null;
  /** What stands for the value in the help, such as "DIR"; null for a flag, which takes none. */
  readonly placeholder: string | null;
  /** What it does, with units. */
  readonly summary: string;
  /** What happens without it, as the help says it; null when nothing does. */
  readonly fallback: string | null;
  /** @param text as given ("" for a flag), null when the option was left out. @throws OPTION_INVALID */
  read(text: string | null): T;
}

interface Described {
  readonly name: string;
  readonly short?: string;
  readonly formerly?: string;
  readonly summary: string;
  readonly fallback?: string;
}

const described = ({ name, short, formerly, summary, fallback }: Described) => ({
  name,
  short: short ?? null,
  formerly: formerly ?? null,
  summary,
  fallback: fallback ?? null,
});

export function flag(description: Described): Option<boolean> {
  return { ...described(description), placeholder: null, read: (text) => text !== null };
}

/** Any text: a path, a column name. Undefined when left out, which is what optional parameters take. */
export function text(description: Described & { readonly placeholder: string }): Option<string | undefined> {
  return {
    ...described(description),
    placeholder: description.placeholder,
    read: (given) => {
      if (given === "") throw invalid(description.name, "must not be empty");
      return given ?? undefined;
    },
  };
}

export function integer(
  description: Described & { readonly placeholder: string; readonly min: number; readonly value: number },
): Option<number> {
  const { name, placeholder, min, value } = description;
  return {
    ...described({ fallback: String(value), ...description }),
    placeholder,
    read(given) {
      if (given === null) return value;
      const number = /^\d+$/.test(given) ? Number(given) : Number.NaN;
      if (Number.isSafeInteger(number) && number >= min) return number;
      throw invalid(name, `must be a whole number of at least ${min}, not "${given}"`);
    },
  };
}

/** Any number that satisfies `holds`; undefined when left out. @param expects completes "must be ...". */
export function number(
  description: Described & {
    readonly placeholder: string;
    readonly expects: string;
    holds(value: number): boolean;
  },
): Option<number | undefined> {
  const { name, placeholder, expects, holds } = description;
  return {
    ...described(description),
    placeholder,
    read(given) {
      if (given === null) return undefined;
      const value = given.trim() === "" ? Number.NaN : Number(given);
      if (Number.isFinite(value) && holds(value)) return value;
      throw invalid(name, `must be ${expects}, not "${given}"`);
    },
  };
}

/** Undefined when left out. */
export function choice<const C extends string>(
  description: Described & { readonly choices: readonly C[] },
): Option<C | undefined> {
  const { name, choices } = description;
  return {
    ...described(description),
    placeholder: choices.join("|"),
    read(given) {
      if (given === null) return undefined;
      const found = choices.find((each) => each === given);
      if (found !== undefined) return found;
      throw invalid(name, `must be one of ${choices.join(", ")}, not "${given}"`);
    },
  };
}

/** Bytes; undefined when left out. */
export function byteSize(description: Described): Option<number | undefined> {
  return {
    ...described(description),
    placeholder: "SIZE",
    read(given) {
      if (given === null) return undefined;
      const bytes = parseByteSize(given);
      if (bytes !== null) return bytes;
      throw invalid(
        description.name,
        `must be a size above 0 such as 2.75MB, 900kB or 4MiB (1 MB = 1,000,000 bytes), not "${given}"`,
      );
    },
  };
}

/** Percentage points on the command line, a fraction in the program: 0.7 becomes 0.007. */
export function points(description: Described): Option<number | undefined> {
  return {
    ...described(description),
    placeholder: "POINTS",
    read(given) {
      if (given === null) return undefined;
      const value = given.trim() === "" ? Number.NaN : Number(given);
      if (value >= 0 && value < 100) return value / 100;
      throw invalid(description.name, `must be percentage points from 0 to 100, such as 0.7, not "${given}"`);
    },
  };
}

export function invalid(name: string, problem: string) {
  return baseErrors.error("OPTION_INVALID", `--${name} ${problem}.`, { details: { option: name } });
}
