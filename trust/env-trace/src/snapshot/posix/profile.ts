/**
 * Profile files of a shell, `/etc/profile`, `~/.profile`, `~/.bashrc`: what is exported when they are done, as far as it can be known
 * without running them. `export A=b`, `A=b; export A`, `unset`, `${X:-y}` of what the file itself sets; a value that depends on a command, on a
 * condition, or on a variable that comes from elsewhere is `computed`.
 */
import { longestExpansion, type ParsedSource, type Statement, tooLong } from "../statement.ts";
import { type Part, shellTokens, type Token } from "./shell-tokens.ts";

type Known =
  | { readonly kind: "set"; readonly value: string }
  | { readonly kind: "computed"; readonly why: string }
  | { readonly kind: "unset" };

/** What login exports before any profile runs: an assignment alone changes it. */
const exportedByLogin = ["HOME", "LANG", "LOGNAME", "MAIL", "PATH", "SHELL", "TERM", "USER"];

const conditionals = new Map([
  ["if", "fi"],
  ["while", "done"],
  ["until", "done"],
  ["for", "done"],
  ["select", "done"],
  ["case", "esac"],
]);
const passedOver = new Set(["then", "else", "elif", "do", "{", "}", "!", "time"]);

/** @throws ENV_SOURCE_INVALID */
export function parseProfile(text: string, where: string): ParsedSource {
  const profile = new Profile();
  for (const command of commandsOf(shellTokens(text, where))) {
    if (!profile.run(command)) break;
  }
  return profile.result();
}

interface ShellCommand {
  readonly words: readonly (readonly Part[])[];
  readonly line: number;
  /** Under a condition, in a loop, in a function. */
  readonly mayNotRun: boolean;
  /** In a shell of its own: a pipe, brackets. */
  readonly isApart: boolean;
}

function plainText(parts: readonly Part[]): string | null {
  return parts.every((part) => part.kind === "text" && !part.isQuoted)
    ? parts.map((part) => (part.kind === "text" ? part.text : "")).join("")
    : null;
}

function* commandsOf(tokens: readonly Token[]): Iterable<ShellCommand> {
  const ends: string[] = [];
  let subshells = 0;
  let words: (readonly Part[])[] = [];
  let line = 1;
  let isAfterCondition = false;
  let isAfterPipe = false;
  /** In `case`: patterns stand until a bracket closes. */
  let isPattern = false;
  const command = (isPipe: boolean): ShellCommand[] => {
    const made =
      words.length === 0
        ? []
        : [
            {
              words,
              line,
              mayNotRun: ends.length > 0 || isAfterCondition,
              isApart: subshells > 0 || isPipe || isAfterPipe,
            },
          ];
    words = [];
    return made;
  };
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (token.kind === "word") {
      const word = plainText(token.parts);
      if (isPattern && word !== "esac") continue;
      if (words.length === 0) {
        line = token.line;
        if (word !== null) {
          const end = conditionals.get(word);
          if (end !== undefined) {
            ends.push(end);
            // What follows is the word of `case` or the list of `for`, and no command.
            if (word === "case" || word === "for" || word === "select") {
              while (at + 1 < tokens.length && !isHeadEnd(tokens[at + 1]!, word)) at++;
              if (word === "case") at++;
              isPattern = word === "case";
            }
            continue;
          }
          if (word === ends.at(-1)) {
            ends.pop();
            isPattern = false;
            if (word === "}") isAfterCondition = false;
            continue;
          }
          if (passedOver.has(word)) continue;
          if (word === "function") {
            while (at + 1 < tokens.length && !isBrace(tokens[at + 1]!)) at++;
            ends.push("}");
            at++;
            continue;
          }
        }
      }
      words.push(token.parts);
      continue;
    }
    const { text } = token;
    if (text === "(" && words.length === 1 && isOperator(tokens[at + 1], ")")) {
      // NAME() { ... }
      words = [];
      at++;
      while (isOperator(tokens[at + 1], "\n")) at++;
      if (tokens[at + 1] !== undefined && isBrace(tokens[at + 1]!)) {
        ends.push("}");
        at++;
      }
    } else if (text === "(") {
      yield* command(false);
      subshells++;
    } else if (text === ")") {
      if (isPattern) isPattern = false;
      else {
        yield* command(false);
        subshells = Math.max(0, subshells - 1);
      }
    } else if (/[<>]/.test(text)) {
      // The word after it names a file; a digit before it a stream.
      const before = words.at(-1);
      if (before !== undefined && /^\d$/.test(plainText(before) ?? "")) words.pop();
      if (text !== "<<" && text !== "<<-" && tokens[at + 1]?.kind === "word") at++;
    } else {
      yield* command(text === "|");
      isAfterPipe = text === "|";
      isAfterCondition = text === "&&" || text === "||";
      if (text.startsWith(";;") || text === ";&") isPattern = ends.at(-1) === "esac";
    }
  }
  yield* command(false);
}

function isHeadEnd(token: Token, word: string): boolean {
  if (word === "case") return token.kind === "word" && plainText(token.parts) === "in";
  return token.kind === "operator" && /^[;\n]$/.test(token.text);
}

function isOperator(token: Token | undefined, text: string): boolean {
  return token?.kind === "operator" && token.text === text;
}

function isBrace(token: Token): boolean {
  return token.kind === "word" && plainText(token.parts) === "{";
}

class Profile {
  readonly #known = new Map<string, Known>();
  readonly #lines = new Map<string, number>();
  readonly #exported = new Set(exportedByLogin);
  readonly #remarks: string[] = [];
  #exportsAll = false;

  /** @returns whether the file goes on */
  run({ words, line, mayNotRun, isApart }: ShellCommand): boolean {
    if (isApart) return true;
    const assignments = words.findIndex((word) => assignmentIn(word) === null);
    const count = assignments < 0 ? words.length : assignments;
    if (count === words.length) {
      for (const word of words) this.#assign(word, line, mayNotRun, false);
      return true;
    }
    const [first, ...rest] = words.slice(count);
    const name = plainText(first!);
    // `A=b command` sets it for the command alone.
    if (name === "export" || name === "typeset" || name === "declare" || name === "readonly") {
      this.#declare(name, rest, line, mayNotRun);
    } else if (name === "unset") {
      for (const each of rest.map(plainText)) {
        if (each !== null && !each.startsWith("-")) this.#put(each, { kind: "unset" }, line, mayNotRun);
      }
    } else if (name === "set") {
      for (const each of rest.map(plainText)) {
        if (each !== null && /^-\w*a/.test(each)) this.#exportsAll = true;
        else if (each !== null && /^\+\w*a/.test(each)) this.#exportsAll = false;
      }
    } else if (name === "." || name === "source" || name === "eval") {
      this.#remarks.push(
        `Line ${line} runs ${name === "eval" ? "what it makes itself" : "another file"}: what that sets is not known.`,
      );
    } else if (name === "exit" || name === "return" || name === "exec") {
      if (!mayNotRun) return false;
      this.#remarks.push(`Line ${line} may end the file: what comes after it may not be set.`);
    }
    return true;
  }

  #declare(command: string, words: readonly (readonly Part[])[], line: number, mayNotRun: boolean): void {
    const flags = words
      .map(plainText)
      .filter((word) => word !== null && /^[-+]/.test(word))
      .join("");
    if (/-\w*f/.test(flags)) return;
    const exports = command === "export" ? !/-\w*n/.test(flags) : /-\w*x/.test(flags);
    for (const word of words) {
      const text = plainText(word);
      if (text !== null && /^[-+]/.test(text)) continue;
      if (assignmentIn(word) !== null) this.#assign(word, line, mayNotRun, exports);
      else if (text !== null && /^[A-Za-z_]\w*$/.test(text)) {
        if (exports) this.#exported.add(text);
        else if (command === "export") this.#exported.delete(text);
        if (!exports) continue;
        if (!this.#known.has(text))
          this.#put(text, { kind: "computed", why: "it is exported here and set elsewhere" }, line, false);
      } else if (exports) this.#remarks.push(`Line ${line} exports what only a shell can tell.`);
    }
  }

  #assign(word: readonly Part[], line: number, mayNotRun: boolean, exports: boolean): void {
    const assignment = assignmentIn(word);
    if (assignment === null) return;
    const { name, isAppended, value } = assignment;
    if (exports || this.#exportsAll) this.#exported.add(name);
    const found = this.#evaluate(value);
    const before = this.#known.get(name);
    if (!isAppended) this.#put(name, found, line, mayNotRun);
    else if (found.kind === "set" && before?.kind === "set" && before.value.length <= longestExpansion) {
      this.#put(name, { kind: "set", value: before.value + found.value }, line, mayNotRun);
    } else this.#put(name, { kind: "computed", why: "it is put behind what it was" }, line, mayNotRun);
  }

  #put(name: string, known: Known, line: number, mayNotRun: boolean): void {
    this.#known.set(name, mayNotRun ? { kind: "computed", why: "it depends on a condition" } : known);
    this.#lines.set(name, line);
  }

  #evaluate(parts: readonly Part[]): Known {
    let value = "";
    for (const [at, part] of parts.entries()) {
      if (part.kind === "computed") return { kind: "computed", why: `it holds ${part.what}` };
      if (part.kind === "text") {
        // After "=" and ":" it stands for a home.
        const isHome = !part.isQuoted && (at === 0 ? /(^|:)~/ : /:~/).test(part.text);
        if (isHome) return { kind: "computed", why: "it holds ~, somebody's home" };
        value += part.text;
      } else {
        const found = this.#parameter(part);
        if (found.kind !== "set") return found;
        value += found.value;
      }
      if (value.length > longestExpansion) return { kind: "computed", why: tooLong };
    }
    return { kind: "set", value };
  }

  #parameter({ name, operator, word }: Extract<Part, { kind: "parameter" }>): Known {
    const known = this.#known.get(name);
    if (known === undefined || known.kind === "computed") {
      return { kind: "computed", why: `it refers to ${name}, which is not known here` };
    }
    const isSet = known.kind === "set" && (!operator.startsWith(":") || known.value !== "");
    const empty = { kind: "set", value: "" } as const;
    switch (operator.at(-1)) {
      case "+":
        return isSet ? this.#evaluate(word) : empty;
      case "-":
      case "=":
        return isSet ? known : this.#evaluate(word);
      case "?":
        return isSet ? known : { kind: "computed", why: `it ends the shell where ${name} is not set` };
      default:
        return known.kind === "set" ? known : empty;
    }
  }

  result(): ParsedSource {
    const statements: Statement[] = [];
    for (const [name, known] of this.#known) {
      const line = this.#lines.get(name) ?? null;
      if (known.kind === "unset" || this.#exported.has(name)) statements.push({ name, line, ...known });
    }
    return { statements, remarks: this.#remarks };
  }
}

interface Assignment {
  readonly name: string;
  readonly isAppended: boolean;
  readonly value: readonly Part[];
}

function assignmentIn([first, ...rest]: readonly Part[]): Assignment | null {
  if (first?.kind !== "text" || first.isQuoted) return null;
  const found = /^([A-Za-z_]\w*)(\+?)=([\s\S]*)$/.exec(first.text);
  if (found === null) return null;
  const [, name = "", plus, text = ""] = found;
  const head: readonly Part[] = text === "" ? [] : [{ ...first, text }];
  return { name, isAppended: plus === "+", value: [...head, ...rest] };
}
