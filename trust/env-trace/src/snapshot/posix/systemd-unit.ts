/**
 * What a systemd unit and its drop-ins say of the environment (systemd.exec(5), systemd.syntax(7)), as a list of what they do in
 * its order; the files that `EnvironmentFile=` names are read by whoever has the disk. Settings of files win over `Environment=`, and
 * `UnsetEnvironment=` over both.
 */
import { invalidSource, type Statement } from "../statement.ts";
import { isName } from "./systemd-env-file.ts";

export interface UnitEnvironment {
  /** Of `Environment=` and `PassEnvironment=`. */
  readonly statements: readonly Statement[];
  readonly files: readonly EnvironmentFile[];
  /** Of `UnsetEnvironment=`: `NAME`, or `NAME=value`, which unsets it where it has that value. */
  readonly unset: readonly UnsetRule[];
  readonly remarks: readonly string[];
}

export interface EnvironmentFile {
  /** Absolute; may be a pattern with `*`. */
  readonly path: string;
  /** With a "-" before it: it may be missing. */
  readonly isOptional: boolean;
  readonly line: number;
}

export interface UnsetRule {
  readonly name: string;
  readonly value: string | null;
  readonly line: number;
}

export interface UnitText {
  readonly where: string;
  readonly text: string;
}

const sections = ["Service", "Socket", "Mount", "Swap"];

/** @param texts the unit, then its drop-ins in the order of their names. @throws ENV_SOURCE_INVALID */
export function parseUnit(texts: readonly UnitText[]): UnitEnvironment {
  let assigned: Statement[] = [];
  let passed: Statement[] = [];
  let files: EnvironmentFile[] = [];
  let unset: UnsetRule[] = [];
  const remarks: string[] = [];
  for (const { where, text } of texts) {
    for (const { section, key, value, line } of settingsOf(text, where)) {
      if (!sections.includes(section)) continue;
      const words = (): readonly string[] => {
        const split = splitWords(value);
        if (split === null)
          remarks.push(`${where}, line ${line} is passed over, as systemd does: a quote is not closed.`);
        return split ?? [];
      };
      if (key === "Environment") {
        // An empty one begins anew.
        if (value === "") assigned = [];
        for (const word of words()) {
          const statement = assignmentOf(word, line);
          if (statement === null)
            remarks.push(`${where}, line ${line}: a word that is no NAME=value is passed over.`);
          else assigned.push(statement);
        }
      } else if (key === "PassEnvironment") {
        if (value === "") passed = [];
        for (const name of words().filter(isName)) {
          passed.push({ kind: "computed", name, line, why: "it is passed on from the manager" });
        }
      } else if (key === "EnvironmentFile") {
        if (value === "") files = [];
        else {
          const isOptional = value.startsWith("-");
          files.push({ path: isOptional ? value.slice(1) : value, isOptional, line });
        }
      } else if (key === "UnsetEnvironment") {
        if (value === "") unset = [];
        for (const word of words()) {
          const equals = word.indexOf("=");
          unset.push(
            equals < 0
              ? { name: word, value: null, line }
              : { name: word.slice(0, equals), value: word.slice(equals + 1), line },
          );
        }
      }
    }
  }
  return { statements: [...passed, ...assigned], files, unset, remarks };
}

interface Setting {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

function* settingsOf(text: string, where: string): Iterable<Setting> {
  let section = "";
  let held: { readonly line: number; readonly content: string } | null = null;
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    // Comments may stand between the lines of a continued one.
    if (/^\s*[#;]/.test(raw)) continue;
    const content: string = (held?.content ?? "") + raw;
    const { line }: { readonly line: number } = held ?? { line: at + 1 };
    if (content.endsWith("\\")) {
      held = { line, content: `${content.slice(0, -1)} ` };
      continue;
    }
    held = null;
    const trimmed = content.trim();
    if (trimmed === "") continue;
    const header = /^\[([^\]]*)\]$/.exec(trimmed)?.[1];
    if (header !== undefined) {
      section = header;
      continue;
    }
    const equals = trimmed.indexOf("=");
    if (equals < 0) throw invalidSource(where, line, `"KEY=value" or "[Section]" is expected in a unit`);
    if (section === "") throw invalidSource(where, line, "a setting stands before any section");
    yield {
      section,
      line,
      key: trimmed.slice(0, equals).trimEnd(),
      value: trimmed.slice(equals + 1).trimStart(),
    };
  }
}

const plainEscapes = new Map(
  Object.entries({
    a: "\x07",
    b: "\b",
    f: "\f",
    n: "\n",
    r: "\r",
    t: "\t",
    v: "\v",
    s: " ",
    "\\": "\\",
    '"': '"',
    "'": "'",
  }),
);

/** Quotes may begin within a word. Null where one is not closed, or an escape is none: systemd drops the line. */
function splitWords(value: string): readonly string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (let at = 0; at < value.length; at++) {
    const c = value[at]!;
    if (c === "\\") {
      const found = /^\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([\s\S]))/.exec(
        value.slice(at),
      );
      if (found === null) return null;
      const [whole, hex, unicode, long, octal, plain = ""] = found;
      const digits = hex ?? unicode ?? long;
      const code =
        digits !== undefined
          ? Number.parseInt(digits, 16)
          : octal === undefined
            ? null
            : Number.parseInt(octal, 8);
      const character =
        code === null ? plainEscapes.get(plain) : code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
      if (character === undefined) return null;
      word = (word ?? "") + character;
      at += whole.length - 1;
    } else if (quote !== "") {
      if (c === quote) quote = "";
      else word = (word ?? "") + c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= "";
    } else if (/\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + c;
  }
  if (quote !== "") return null;
  return word === null ? words : [...words, word];
}

/** `$` stands for itself; `%%` for a percent sign, and other specifiers for what the manager knows. */
function assignmentOf(word: string, line: number): Statement | null {
  const equals = word.indexOf("=");
  const name = word.slice(0, equals);
  if (equals < 0 || !isName(name)) return null;
  const value = word.slice(equals + 1);
  const specifier = /%[^%]/.exec(value.replaceAll("%%", ""))?.[0];
  if (specifier !== undefined) {
    return { kind: "computed", name, line, why: `the specifier ${specifier} is known to the manager` };
  }
  return { kind: "set", name, line, value: value.replaceAll("%%", "%") };
}
