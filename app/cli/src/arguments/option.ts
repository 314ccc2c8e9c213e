/**
 * An option as data: how it is written, what the help says of it, and how its text becomes a typed value.
 * The parser and the help read the same rows, so that neither can know an option the other does not.
 */
import { baseErrors, conforms, expectation, type Schema } from "@cupel/base";
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
  /** Whether it may be given several times; `read` then gets the texts joined by `betweenTexts`. */
  readonly repeats?: boolean;
  /** @param text as given ("" for a flag), null when the option was left out. @throws OPTION_INVALID */
  read(text: string | null): T;
}

/** No word of a command line holds it. */
export const betweenTexts = "\0";

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

/** Undefined when left out. @param expects completes "must be ...". @param parse undefined for a text that is refused. */
export function parsed<T>(
  description: Described & { readonly placeholder: string },
  expects: string,
  parse: (given: string) => T | undefined,
): Option<T | undefined> {
  return {
    ...described(description),
    placeholder: description.placeholder,
    read(given) {
      if (given === null) return undefined;
      const found = parse(given);
      if (found !== undefined) return found;
      throw invalid(description.name, `must be ${expects}, not "${given}"`);
    },
  };
}

/** As `parsed`, each time it is given; empty when left out. */
export function repeated<T>(
  description: Described & { readonly placeholder: string },
  expects: string,
  parse: (given: string) => T | undefined,
): Option<readonly T[]> {
  const one = parsed(description, expects, parse);
  return {
    ...one,
    repeats: true,
    read: (given) =>
      given === null
        ? []
        : given
            .split(betweenTexts)
            .map((each) => one.read(each))
            .filter((each) => each !== undefined),
  };
}

const digits = /^\d+$/;
export const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A value that a schema admits: a number, one of a few words, any text. Undefined when left out. */
export function value<T>(
  description: Described & {
    readonly placeholder: string;
    readonly schema: Schema;
    /** Whether the schema admits it. */
    readonly isValue: (value: unknown) => value is T;
  },
): Option<T | undefined> {
  const { schema, isValue } = description;
  const isWhole = "type" in schema && schema.type === "integer";
  return parsed(description, expectation(schema), (given) => {
    const number = (isWhole ? digits : decimal).test(given) ? Number(given) : Number.NaN;
    const found = conforms(schema, number) ? number : given;
    return isValue(found) ? found : undefined;
  });
}

type Integer = Described & { readonly placeholder: string; readonly min: number };

/** Without a `value` that stands for it, undefined when left out. */
export function integer(description: Integer & { readonly value: number }): Option<number>;
export function integer(description: Integer): Option<number | undefined>;
export function integer(description: Integer & { readonly value?: number }): Option<number | undefined> {
  const { min, value: usual } = description;
  const schema: Schema = { type: "integer", minimum: min };
  const isValue = (each: unknown): each is number => conforms(schema, each);
  const option = value({
    ...(usual === undefined ? {} : { fallback: String(usual) }),
    ...description,
    schema,
    isValue,
  });
  return { ...option, read: (given) => option.read(given) ?? usual };
}

/** Undefined when left out. */
export function choice<const C extends string>(
  description: Described & { readonly choices: readonly C[] },
): Option<C | undefined> {
  const { choices } = description;
  return value({
    ...description,
    placeholder: choices.join("|"),
    schema: { enum: choices },
    isValue: (each): each is C => choices.some((known) => known === each),
  });
}

/** Bytes; undefined when left out. */
export function byteSize(description: Described): Option<number | undefined> {
  return parsed(
    { ...description, placeholder: "SIZE" },
    "a size above 0 such as 2.75MB, 900kB or 4MiB (1 MB = 1,000,000 bytes)",
    (given) => parseByteSize(given) ?? undefined,
  );
}

/** Percentage points on the command line, a fraction in the program: 0.7 becomes 0.007. */
export function points(description: Described): Option<number | undefined> {
  return parsed(
    { ...description, placeholder: "POINTS" },
    "percentage points from 0 to 100, such as 0.7",
    (given) => {
      const percent = decimal.test(given) ? Number(given) : Number.NaN;
      return percent >= 0 && percent < 100 ? percent / 100 : undefined;
    },
  );
}

export function invalid(name: string, problem: string) {
  return baseErrors.error("OPTION_INVALID", `--${name} ${problem}.`, { details: { option: name } });
}
