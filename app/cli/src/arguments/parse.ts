/**
 * Words of the command line to options and operands, by a command's table. Every value is read here once, so
 * that a mistake in any option is reported before the work begins.
 */
import { parseArgs } from "node:util";
import { suggest } from "@cupel/base";
import { cliErrors } from "../errors.ts";
import { betweenTexts, invalid, type Option } from "./option.ts";

export interface Operand {
  /** In capitals, as in the help. */
  readonly name: string;
  readonly summary: string;
  readonly optional?: boolean;
  /** Of the last: whether there may be several. Default false. */
  readonly repeats?: boolean;
  /** Whether "-" stands for standard input. Default false: it is refused. */
  readonly readsStandardInput?: boolean;
  /** Of the last: whether all words after it belong to it. They are not looked at. Default: false. */
  readonly takesRest?: boolean;
}

/** The operand that stands for standard input. */
export const standardInput = "-";

/** What a command was given. */
export interface Given {
  /** In order; as many as are required, at most as many as are declared, unless the last repeats or takes the rest. */
  readonly operands: readonly string[];
  /** The value, or what stands for it when left out. */
  get<T>(option: Option<T>): T;
  has(option: Option<unknown>): boolean;
  /** Sentences on what was written in a way of an earlier version. */
  readonly remarks: readonly string[];
}

/** @throws OPTION_UNKNOWN, OPTION_INVALID, ARGUMENT_MISSING, ARGUMENT_UNEXPECTED */
export function parseArguments(
  words: readonly string[],
  table: { readonly operands: readonly Operand[]; readonly options: readonly Option<unknown>[] },
): Given {
  const { texts, operands, remarks } = collect(words, table.options);
  for (const option of table.options) option.read(texts.get(option.name) ?? null);
  checkOperands(operands, table.operands);
  return {
    operands,
    get: (option) => option.read(texts.get(option.name) ?? null),
    has: (option) => texts.has(option.name),
    remarks,
  };
}

/** Position of the first word that is neither an option nor the value of one; -1 when there is none. */
export function firstOperand(words: readonly string[], options: readonly Option<unknown>[]): number {
  const found = tokensOf(words, options).find((token) => token.kind === "positional");
  return found?.index ?? -1;
}

function tokensOf(words: readonly string[], options: readonly Option<unknown>[]) {
  // Not strict: parseArgs would refuse in its own words, without a suggestion.
  const { tokens } = parseArgs({
    args: [...words],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      options.flatMap(({ name, short, formerly, placeholder }) => {
        const type = placeholder === null ? ("boolean" as const) : ("string" as const);
        const own = [name, { type, ...(short === null ? {} : { short }) }] as const;
        return formerly === null ? [own] : [own, [formerly, { type }] as const];
      }),
    ),
  });
  return tokens;
}

function collect(words: readonly string[], options: readonly Option<unknown>[]) {
  const byName = new Map(options.map((option) => [option.name, option]));
  const byFormerName = new Map(options.map((option) => [option.formerly, option]));
  const texts = new Map<string, string>();
  const operands: string[] = [];
  const remarks: string[] = [];
  for (const token of tokensOf(words, options)) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const option = byName.get(token.name) ?? byFormerName.get(token.name);
    if (option === undefined) throw unknownOption(words[token.index] ?? token.rawName, options);
    if (option.name !== token.name) remarks.push(`${token.rawName} is now called --${option.name}.`);
    const earlier = texts.get(option.name);
    if (earlier !== undefined && !option.repeats) throw invalid(option.name, "is given twice");
    const text = textOf(option, token.value, token.inlineValue ?? false);
    texts.set(option.name, earlier === undefined ? text : `${earlier}${betweenTexts}${text}`);
  }
  return { texts, operands, remarks };
}

function textOf(option: Option<unknown>, value: string | undefined, inline: boolean): string {
  const { name, placeholder } = option;
  if (placeholder === null) {
    if (value !== undefined) throw invalid(name, `takes no value, but "${value}" was given`);
    return "";
  }
  if (value === undefined) throw invalid(name, `needs a value: --${name} ${placeholder}`);
  const looksLikeOption = !inline && /^-[^\d.]/.test(value);
  if (looksLikeOption) {
    throw invalid(
      name,
      `needs a value, but "${value}" follows; a value that begins so is written --${name}=${value}`,
    );
  }
  return value;
}

/** @param word as given: "--imges=x", or "-images", which would be read as six options of a letter each. */
function unknownOption(word: string, options: readonly Option<unknown>[]) {
  const written = word.replace(/=.*$/s, "");
  const near = suggest(
    written.replace(/^-+/, ""),
    options.map((option) => option.name),
  );
  return cliErrors.error(
    "OPTION_UNKNOWN",
    `There is no option ${written} here.${near === null ? " See --help." : ` Did you mean --${near}?`}`,
    { details: { option: written, suggestion: near } },
  );
}

function checkOperands(given: readonly string[], declared: readonly Operand[]): void {
  const missing = declared[given.length];
  if (missing && !missing.optional) {
    throw cliErrors.error("ARGUMENT_MISSING", `${missing.name} is missing: ${missing.summary}. See --help.`, {
      details: { argument: missing.name },
    });
  }
  const at = declared.findIndex((operand, i) => given[i] === standardInput && !operand.readsStandardInput);
  if (at >= 0) {
    const { name } = declared[at]!;
    throw cliErrors.error(
      "ARGUMENT_UNEXPECTED",
      `${name} is "-", but this command does not read standard input: it needs ${name} as a file. predict, eval, inspect and audit validate read it.`,
      { details: { argument: standardInput } },
    );
  }
  const last = declared.at(-1);
  if (given.length <= declared.length || last?.repeats || last?.takesRest) return;
  const extra = given[declared.length]!;
  throw cliErrors.error(
    "ARGUMENT_UNEXPECTED",
    `There is nothing to do with the argument "${extra}". See --help.`,
    {
      details: { argument: extra },
    },
  );
}

/** An option the command cannot do without. @throws ARGUMENT_MISSING */
export function required<T>(given: Given, option: Option<T | undefined>): T {
  const value = given.get(option);
  if (value !== undefined) return value;
  throw missing(option);
}

export function missing({ name, short, placeholder, summary }: Option<unknown>) {
  return cliErrors.error(
    "ARGUMENT_MISSING",
    `${short === null ? "" : `-${short}, `}--${name} ${placeholder} is missing: ${summary}. See --help.`,
    { details: { argument: name } },
  );
}
