/**
 * A shell script as tokens (POSIX.1-2024, Shell Command Language, 2.3): words with their quotes and expansions, operators, and
 * here-documents passed over. No more than is needed to see which variables a profile exports.
 */
import { invalidSource } from "../statement.ts";

/** A piece of a word. What stands in no quotes is not split here: an assignment never is. */
export type Part =
  | { readonly kind: "text"; readonly text: string; readonly isQuoted: boolean }
  | {
      readonly kind: "parameter";
      readonly name: string;
      readonly operator: string;
      readonly word: readonly Part[];
    }
  | { readonly kind: "computed"; readonly what: string };

export type Token =
  | { readonly kind: "word"; readonly parts: readonly Part[]; readonly line: number }
  | { readonly kind: "operator"; readonly text: string; readonly line: number };

const operators = [
  ";;&",
  "&&",
  "||",
  ";;",
  ";&",
  "<<-",
  "<<<",
  "<<",
  ">>",
  "<&",
  ">&",
  "<>",
  ">|",
  "&>",
  ";",
  "&",
  "|",
  "(",
  ")",
  "<",
  ">",
];

/** @throws ENV_SOURCE_INVALID where a quote or a bracket is not closed */
export function shellTokens(text: string, where: string): Token[] {
  return new ShellReader(text, where).tokens();
}

class ShellReader {
  readonly #text: string;
  readonly #where: string;
  #at = 0;
  #line = 1;
  /** Ends of here-documents that begin after this line. */
  #documents: { end: string; isIndented: boolean }[] = [];

  constructor(text: string, where: string) {
    this.#text = text.replaceAll("\r\n", "\n");
    this.#where = where;
  }

  tokens(): Token[] {
    const tokens: Token[] = [];
    while (this.#at < this.#text.length) {
      const c = this.#text[this.#at]!;
      const line = this.#line;
      if (c === "\n") {
        this.#step();
        this.#passDocuments();
        tokens.push({ kind: "operator", text: "\n", line });
      } else if (/[ \t\r]/.test(c)) this.#at++;
      else if (this.#text.startsWith("\\\n", this.#at)) this.#step(2);
      else if (c === "#") while (this.#at < this.#text.length && this.#text[this.#at] !== "\n") this.#at++;
      else {
        const operator = operators.find((each) => this.#text.startsWith(each, this.#at));
        if (operator === undefined) tokens.push({ kind: "word", parts: this.#word(/[\s;&|<>()]/), line });
        else {
          this.#at += operator.length;
          tokens.push({ kind: "operator", text: operator, line });
          if (operator === "<<" || operator === "<<-") this.#document(operator === "<<-");
        }
      }
    }
    return tokens;
  }

  #step(count = 1): void {
    for (let i = 0; i < count; i++) if (this.#text[this.#at++] === "\n") this.#line++;
  }

  #document(isIndented: boolean): void {
    while (/[ \t]/.test(this.#text[this.#at] ?? "")) this.#at++;
    const parts = this.#word(/[\s;&|<>()]/);
    const end = parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
    this.#documents.push({ end, isIndented });
  }

  #passDocuments(): void {
    for (const { end, isIndented } of this.#documents.splice(0)) {
      for (let isOver = false; !isOver && this.#at < this.#text.length; ) {
        const newline = this.#text.indexOf("\n", this.#at);
        const line = this.#text.slice(this.#at, newline < 0 ? undefined : newline);
        isOver = (isIndented ? line.replace(/^\t+/, "") : line) === end;
        this.#at = newline < 0 ? this.#text.length : newline + 1;
        this.#line++;
      }
    }
  }

  /** @param end what ends it outside of quotes */
  #word(end: RegExp, isQuoted = false): Part[] {
    const parts: Part[] = [];
    const text = (characters: string, quoted: boolean) => {
      const last = parts.at(-1);
      if (last?.kind === "text" && last.isQuoted === quoted) {
        parts[parts.length - 1] = { ...last, text: last.text + characters };
      } else parts.push({ kind: "text", text: characters, isQuoted: quoted });
    };
    while (this.#at < this.#text.length) {
      const c = this.#text[this.#at]!;
      if (end.test(c)) break;
      if (c === "\\") {
        const next = this.#text[this.#at + 1] ?? "";
        this.#step(2);
        if (next === "\n") continue;
        if (isQuoted && !'$`"\\}'.includes(next)) text(`\\${next}`, true);
        else text(next, true);
      } else if (c === "'" && !isQuoted) {
        text(this.#until("'"), true);
      } else if (c === '"') {
        const line = this.#line;
        this.#step();
        text("", true);
        parts.push(...this.#word(/"/, true));
        if (this.#text[this.#at] !== '"')
          throw invalidSource(this.#where, line, "a double quote is not closed");
        this.#step();
      } else if (c === "$") parts.push(this.#dollar(isQuoted));
      else if (c === "`") {
        this.#until("`");
        parts.push({ kind: "computed", what: "the output of a command" });
      } else {
        text(c, isQuoted);
        this.#step();
      }
    }
    return parts;
  }

  /** What stands between this character and the next like it, which is passed over; a backslash protects one but in single quotes. */
  #until(close: string): string {
    const line = this.#line;
    const from = this.#at + 1;
    for (this.#step(); this.#at < this.#text.length && this.#text[this.#at] !== close; this.#step()) {
      if (close !== "'" && this.#text[this.#at] === "\\") this.#step();
    }
    if (this.#at >= this.#text.length) throw invalidSource(this.#where, line, `a ${close} is not closed`);
    this.#step();
    return this.#text.slice(from, this.#at - 1);
  }

  #dollar(isQuoted: boolean): Part {
    const rest = this.#text.slice(this.#at, this.#at + 300);
    const name = /^\$([A-Za-z_][A-Za-z0-9_]*)/.exec(rest)?.[1];
    if (name !== undefined) {
      this.#at += name.length + 1;
      return { kind: "parameter", name, operator: "", word: [] };
    }
    if (rest.startsWith("$((") || rest.startsWith("$(")) {
      this.#passBrackets();
      return { kind: "computed", what: "the output of a command" };
    }
    if (rest.startsWith("${")) return this.#braces();
    if (rest.startsWith("$'") && !isQuoted) {
      this.#at++;
      const line = this.#line;
      for (this.#step(); this.#text[this.#at] !== "'"; this.#step()) {
        if (this.#text[this.#at] === "\\") this.#step();
        if (this.#at >= this.#text.length) throw invalidSource(this.#where, line, "a ' is not closed");
      }
      this.#step();
      return { kind: "computed", what: "a text with escapes of bash" };
    }
    if (/^\$[0-9@*#?$!-]/.test(rest)) {
      this.#at += 2;
      return { kind: "computed", what: "a parameter of the shell" };
    }
    this.#at++;
    return { kind: "text", text: "$", isQuoted: true };
  }

  #braces(): Part {
    const { line } = { line: this.#line };
    const head = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(:?[-=+?]|\})/.exec(
      this.#text.slice(this.#at, this.#at + 300),
    );
    if (head === null) {
      this.#passNested("{", "}", line);
      return { kind: "computed", what: "a part of another variable" };
    }
    const [whole, name = "", operator = ""] = head;
    this.#step(whole.length);
    if (operator === "}") return { kind: "parameter", name, operator: "", word: [] };
    const word = this.#word(/\}/);
    if (this.#text[this.#at] !== "}") throw invalidSource(this.#where, line, "a ${ is not closed");
    this.#step();
    return { kind: "parameter", name, operator, word };
  }

  #passBrackets(): void {
    this.#passNested("(", ")", this.#line);
  }

  #passNested(open: string, close: string, line: number): void {
    let depth = 0;
    for (; this.#at < this.#text.length; this.#step()) {
      const c = this.#text[this.#at];
      if (c === "\\") this.#step();
      else if (c === "'") {
        this.#until("'");
        this.#at--;
      } else if (c === open) depth++;
      else if (c === close && --depth === 0) break;
    }
    if (this.#at >= this.#text.length) throw invalidSource(this.#where, line, `a $${open} is not closed`);
    this.#step();
  }
}
