/**
 * `ENV` of a Dockerfile (the Dockerfile reference), in both of its forms, of the stage that is built last and of the stages that it stands
 * on. An image that it begins from has variables of its own, which are not in the file.
 */
import { invalidSource, longestExpansion, type ParsedSource, type Statement, tooLong } from "../statement.ts";

interface Instruction {
  readonly name: string;
  readonly rest: string;
  readonly line: number;
}

type Values = Map<string, Statement>;

/** @throws ENV_SOURCE_INVALID */
export function parseDockerfile(text: string, where: string): ParsedSource {
  const mark = /^\s*#\s*escape\s*=\s*`\s*$/im.test(text.split(/\n(?!\s*#)/, 1)[0] ?? "") ? "`" : "\\";
  const remarks: string[] = [];
  const stages = new Map<string, Values>();
  let values: Values | null = null;
  for (const { name, rest, line } of instructionsOf(text, mark)) {
    if (name === "FROM") {
      const found = /^(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?$/i.exec(rest);
      if (found === null) throw invalidSource(where, line, "FROM names no image");
      const [, base = "", stage] = found;
      const below = stages.get(base.toLowerCase());
      values = new Map(below);
      if (below === undefined && base !== "scratch")
        remarks.push(`Line ${line}: the image ${base} has variables of its own, which are not known here.`);
      stages.set((stage ?? String(stages.size)).toLowerCase(), values);
    } else if (name === "ARG") {
      for (const [argument = ""] of rest.split(/\s+/).map((each) => each.split("="))) {
        // It is no part of the image, and it can be another at every build. What is set as well wins.
        if (values !== null && !values.has(argument))
          values.set(argument, { kind: "unset", name: argument, line });
      }
    } else if (name === "ENV") {
      if (values === null) throw invalidSource(where, line, "ENV stands before any FROM");
      // All of a line refer to what was before it.
      const before = new Map(values);
      for (const [key, word] of pairsOf(rest, mark, where, line)) {
        const found = expandedWord(word, mark, before);
        values.set(
          key,
          found.kind === "set"
            ? { kind: "set", name: key, line, value: found.value }
            : { kind: "computed", name: key, line, why: found.why },
        );
      }
    }
  }
  if (values === null) throw invalidSource(where, null, "it has no FROM: it is no Dockerfile");
  return { statements: [...values.values()].filter(({ kind }) => kind !== "unset"), remarks };
}

function* instructionsOf(text: string, mark: string): Iterable<Instruction> {
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1;
    let content = "";
    for (; at < lines.length; at++) {
      const raw = lines[at]!;
      if (/^\s*#/.test(raw)) continue;
      const trimmed = raw.trimEnd();
      if (content !== "" && trimmed === "") continue;
      if (!trimmed.endsWith(mark)) {
        content += raw;
        break;
      }
      content += trimmed.slice(0, -1);
    }
    const found = /^\s*([A-Za-z]+)\s+([\s\S]*)$/.exec(content);
    if (found === null) continue;
    const [, name = "", rest = ""] = found;
    if (/^(RUN|COPY|ADD)$/i.test(name)) {
      // Here-documents: each ends with a line of its own.
      for (const [, isIndented, end] of rest.matchAll(/(?<!<)<<(-?)["']?([A-Za-z_]\w*)["']?/g)) {
        while (++at < lines.length && (isIndented ? lines[at]!.replace(/^\t+/, "") : lines[at]) !== end);
      }
    }
    yield { name: name.toUpperCase(), rest: rest.trim(), line };
  }
}

function pairsOf(rest: string, mark: string, where: string, line: number): [string, string][] {
  const words = wordsOf(rest, mark);
  const [first = ""] = words;
  if (!first.includes("=")) {
    // ENV NAME all that follows
    const [, name = "", value] = /^(\S+)\s+([\s\S]*)$/.exec(rest) ?? [];
    if (value === undefined) throw invalidSource(where, line, "ENV has a name and no value");
    return [[name, value]];
  }
  return words.map((word) => {
    const equals = word.indexOf("=");
    if (equals <= 0)
      throw invalidSource(where, line, "ENV must have NAME=value, each without spaces but within quotes");
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

/** Split at white space outside of quotes, which stay. */
function wordsOf(rest: string, mark: string): string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (let at = 0; at < rest.length; at++) {
    const c = rest[at]!;
    if (c === mark && quote !== "'") word += c + (rest[++at] ?? "");
    else if (quote === "" && /\s/.test(c)) {
      if (word !== "") words.push(word);
      word = "";
    } else {
      if (quote === "" && (c === '"' || c === "'")) quote = c;
      else if (c === quote) quote = "";
      word += c;
    }
  }
  return word === "" ? words : [...words, word];
}

type Found =
  | { readonly kind: "set"; readonly value: string }
  | { readonly kind: "computed"; readonly why: string };

const unknown = (name: string): Found => ({
  kind: "computed",
  why: `it refers to ${name}, which is not set in this file`,
});

function expandedWord(word: string, mark: string, known: Values): Found {
  let value = "";
  let quote = "";
  for (let at = 0; at < word.length; at++) {
    const c = word[at]!;
    if (c === mark && quote !== "'") {
      const next = word[++at] ?? "";
      value += quote === '"' && !`"$${mark}`.includes(next) ? c + next : next;
    } else if (c === quote) quote = "";
    else if (quote === "" && (c === '"' || c === "'")) quote = c;
    else if (c === "$" && quote !== "'") {
      const reference = /^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-+])([^}]*))?\}|(\{[^}]*\}))/.exec(
        word.slice(at),
      );
      if (reference === null) {
        value += c;
        continue;
      }
      const [whole, plain, braced, operator = "", other = "", strange] = reference;
      if (strange !== undefined) return { kind: "computed", why: "it holds a part of another variable" };
      const name = plain ?? braced ?? "";
      const statement = known.get(name);
      // An argument of the build, or what the image below may have set.
      if (statement?.kind !== "set") return unknown(name);
      const isSet = !operator.startsWith(":") || statement.value !== "";
      const piece = operator.endsWith("+")
        ? isSet
          ? other
          : ""
        : operator.endsWith("-") && !isSet
          ? other
          : statement.value;
      if (piece.includes("$")) return { kind: "computed", why: "it holds references in references" };
      value += piece;
      at += whole.length - 1;
    } else value += c;
    if (value.length > longestExpansion) return { kind: "computed", why: tooLong };
  }
  return { kind: "set", value };
}
