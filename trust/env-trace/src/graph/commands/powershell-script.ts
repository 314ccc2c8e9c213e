/**
 * What a script of PowerShell does with the environment: `$env:X`, `${env:X}`, the drive `Env:`, [Environment]::GetEnvironmentVariable and its
 * kin, `setx`, and what is run by way of a variable, as in `IEX (gc $env:X)`. Variables of the script are followed as far as what they were
 * last given. A name that is put together at run time is not seen.
 */
import { type CommandFinding, deepestNesting, isScript, longestCommand, programName } from "./finding.ts";
import { type PowerShellToken, powerShellTokens } from "./powershell-tokens.ts";

/** Looks at a program that is started from within, its arguments first as words. */
export type NestedCommand = (words: readonly string[], depth: number) => CommandFinding[];

export function powerShellFindings(script: string, nested: NestedCommand, depth = 0): CommandFinding[] {
  if (depth > deepestNesting)
    return [{ kind: "unreadable", why: "commands in commands go deeper than is looked at" }];
  const findings: CommandFinding[] = [];
  const reader = new ScriptReader(nested, depth);
  for (const statement of statementsOf(powerShellTokens(script.slice(0, longestCommand))))
    findings.push(...reader.read(statement));
  return findings;
}

function* statementsOf(tokens: readonly PowerShellToken[]): Iterable<readonly PowerShellToken[]> {
  let statement: PowerShellToken[] = [];
  let depth = 0;
  for (const token of tokens) {
    if (token.kind === "sign" && token.text === "(") depth++;
    if (token.kind === "sign" && token.text === ")") depth--;
    const isSeparator =
      (token.kind === "sign" && /^(&&|\|\||\{|\})$/.test(token.text)) || (token.kind === "end" && depth <= 0);
    if (isSeparator) {
      if (statement.length > 0) yield statement;
      statement = [];
      depth = 0;
    } else if (token.kind !== "end") statement.push(token);
  }
}

const listing = new Set(["get-childitem", "gci", "dir", "ls"]);
const reading = new Set([
  "get-item",
  "gi",
  "get-content",
  "gc",
  "cat",
  "type",
  "test-path",
  "get-itempropertyvalue",
  "gpv",
  "get-itemproperty",
  "gp",
]);
const setting = new Set(["set-item", "si", "new-item", "ni", "set-content", "sc", "add-content", "ac"]);
const deleting = new Set([
  "remove-item",
  "ri",
  "del",
  "rm",
  "erase",
  "rd",
  "rmdir",
  "clear-item",
  "cli",
  "clear-content",
  "clc",
]);
const invoking = new Set(["invoke-expression", "iex"]);
const starting = new Set(["start-process", "saps", "start"]);
const nesting = new Set(["powershell", "pwsh", "powershell_ise", "cmd", "reg"]);

class ScriptReader {
  readonly #nested: NestedCommand;
  readonly #depth: number;
  /** Variables of the script: the environment's names that went into them. */
  readonly #taken = new Map<string, readonly string[]>();

  constructor(nested: NestedCommand, depth: number) {
    this.#nested = nested;
    this.#depth = depth;
  }

  read(tokens: readonly PowerShellToken[]): CommandFinding[] {
    const findings: CommandFinding[] = [];
    const [first, second] = tokens;
    const isAssignment = second?.kind === "sign" && /^[+-]?=$/.test(second.text);
    if (first?.kind === "environment" && isAssignment) {
      const value = plainValue(tokens.slice(2));
      if (second.text !== "=") findings.push({ kind: "reads", name: first.name });
      // Nothing, or an empty text, removes it.
      if (value === "" || isNull(tokens.slice(2)))
        findings.push({ kind: "deletes", name: first.name, reach: "process" });
      else
        findings.push({
          kind: "sets",
          name: first.name,
          value: second.text === "=" ? value : null,
          reach: "process",
        });
      return [...findings, ...this.#plain(tokens.slice(2))];
    }
    if (first?.kind === "variable" && isAssignment) {
      const taken = this.#namesIn(tokens.slice(2));
      this.#taken.set(first.name, taken);
      return this.#plain(tokens.slice(2));
    }
    return this.#plain(tokens);
  }

  #plain(tokens: readonly PowerShellToken[]): CommandFinding[] {
    const findings: CommandFinding[] = [];
    for (const token of tokens) {
      if (token.kind === "environment") findings.push({ kind: "reads", name: token.name });
      if (token.kind === "text") {
        for (const name of token.variables)
          if (name.startsWith("env:")) findings.push({ kind: "reads", name: name.slice(4) });
      }
    }
    findings.push(...dotNetFindings(tokens));
    for (const { command, isPiped } of commandsIn(tokens))
      findings.push(...this.#command(command, isPiped ? tokens : command));
    return findings;
  }

  /** @param all what goes into it: of a pipe, also what stands before */
  #command(tokens: readonly PowerShellToken[], all: readonly PowerShellToken[]): CommandFinding[] {
    const [first, ...rest] = tokens;
    if (first?.kind === "sign" && (first.text === "&" || first.text === ".")) return this.#called(rest);
    if (first?.kind !== "word") return [];
    const name = programName(first.text);
    const argument = (at: number) =>
      rest.filter((token) => token.kind === "text" || (token.kind === "word" && !token.text.startsWith("-")))[
        at
      ];
    const path = drivePath(
      rest.find((token) => textOf(token) !== null && /^["']?env:/i.test(textOf(token) ?? "")),
    );
    if (invoking.has(name)) return this.#namesIn(all).map((each) => ({ kind: "runs-variable", name: each }));
    if (path !== null) {
      if (path === "" && (listing.has(name) || reading.has(name))) return [{ kind: "lists" }];
      if (path === "" && deleting.has(name)) return [{ kind: "deletes", name: "*", reach: "process" }];
      if (listing.has(name) || reading.has(name)) return [{ kind: "reads", name: path }];
      if (deleting.has(name)) return [{ kind: "deletes", name: path, reach: "process" }];
      if (setting.has(name)) {
        const at = rest.findIndex((token) => token.kind === "word" && /^-v(a(l(ue?)?)?)?$/i.test(token.text));
        const value = at >= 0 ? textOf(rest[at + 1]) : textOf(argument(1));
        return [{ kind: "sets", name: path, value, reach: "process" }];
      }
    }
    if (name === "setx") return setxFindings(rest.map(textOf));
    if (starting.has(name)) {
      const target = rest.filter((token) => !(token.kind === "word" && token.text.startsWith("-")));
      return [...this.#called(target.slice(0, 1)), ...this.#nestedIn(target)];
    }
    if (nesting.has(name)) return this.#nestedIn(tokens);
    return isScript(first.text) ? [{ kind: "runs-script", path: first.text }] : [];
  }

  #called(tokens: readonly PowerShellToken[]): CommandFinding[] {
    const [first] = tokens;
    if (first === undefined) return [];
    const text = textOf(first);
    if (first.kind === "text" && first.variables.length > 0) return this.#runs([first]);
    if (text === null) return this.#runs(first.kind === "sign" ? tokens : [first]);
    if (nesting.has(programName(text))) return this.#nestedIn(tokens);
    return isScript(text) ? [{ kind: "runs-script", path: text }] : [];
  }

  #runs(tokens: readonly PowerShellToken[]): CommandFinding[] {
    return this.#namesIn(tokens).map((name) => ({ kind: "runs-variable", name }));
  }

  /** A variable in a place where a script or command is named is one that is run. */
  #nestedIn(tokens: readonly PowerShellToken[]): CommandFinding[] {
    const texts = tokens.map(textOf);
    const run = tokens.flatMap((token, at) => {
      const before = texts[at - 1];
      return typeof before === "string" && /^[-/](f|fi|fil|file|c|co|com|command|k)$/i.test(before)
        ? this.#runs([token])
        : [];
    });
    const words = texts.filter((text) => text !== null);
    return [...run, ...(words.length > 0 ? this.#nested(words, this.#depth + 1) : [])];
  }

  #namesIn(tokens: readonly PowerShellToken[]): string[] {
    const found = tokens.flatMap((token): readonly string[] => {
      if (token.kind === "environment") return [token.name];
      if (token.kind === "variable") return this.#taken.get(token.name) ?? [];
      if (token.kind === "text") {
        return token.variables.flatMap((name) =>
          name.startsWith("env:") ? [name.slice(4)] : (this.#taken.get(name) ?? []),
        );
      }
      const path = token.kind === "word" ? drivePath(token) : null;
      return path === null || path === "" ? [] : [path];
    });
    const got = dotNetFindings(tokens).flatMap((finding) => (finding.kind === "reads" ? [finding.name] : []));
    return [...new Set([...found, ...got])];
  }
}

/** Commands begin a statement, a bracket, and what follows a pipe. */
function* commandsIn(
  tokens: readonly PowerShellToken[],
): Iterable<{ readonly command: readonly PowerShellToken[]; readonly isPiped: boolean }> {
  let begin = 0;
  let isPiped = false;
  for (let at = 0; at <= tokens.length; at++) {
    const token = tokens[at];
    const isPipe = token?.kind === "sign" && token.text === "|";
    if (token === undefined || isPipe) {
      yield { command: tokens.slice(begin, at), isPiped };
      begin = at + 1;
      isPiped = true;
    } else if (token.kind === "sign" && token.text === "(") {
      const close = closeOf(tokens, at);
      yield* commandsIn(tokens.slice(at + 1, close));
    }
  }
}

function closeOf(tokens: readonly PowerShellToken[], open: number): number {
  let depth = 0;
  for (let at = open; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (token.kind !== "sign") continue;
    if (token.text === "(") depth++;
    if (token.text === ")" && --depth === 0) return at;
  }
  return tokens.length;
}

function textOf(token: PowerShellToken | undefined): string | null {
  return token?.kind === "text" || token?.kind === "word" ? token.text : null;
}

/** Of `Env:X`, `Env:\X`, `Env:/X`; "" for the drive as a whole. */
function drivePath(token: PowerShellToken | undefined): string | null {
  const found = /^env:[\\/]*(.*?)\*?$/is.exec(textOf(token) ?? "");
  return found === null ? null : (found[1] ?? "");
}

function plainValue(tokens: readonly PowerShellToken[]): string | null {
  const [only, ...rest] = tokens;
  if (rest.length > 0 || only === undefined) return null;
  return only.kind === "text" && only.variables.length > 0 ? null : textOf(only);
}

function isNull(tokens: readonly PowerShellToken[]): boolean {
  const [only, ...rest] = tokens;
  return rest.length === 0 && only?.kind === "variable" && only.name === "null";
}

/** `[Environment]::GetEnvironmentVariable('X', ...)`, also as `[System.Environment]`. */
function dotNetFindings(tokens: readonly PowerShellToken[]): CommandFinding[] {
  return tokens.flatMap((token, at): CommandFinding[] => {
    const method = token.kind === "word" ? /^(get|set|expand)environmentvariables?$/i.exec(token.text) : null;
    const open = tokens[at + 1];
    if (method === null || open?.kind !== "sign" || open.text !== "(") return [];
    const listed = splitArguments(tokens.slice(at + 2, closeOf(tokens, at + 1)));
    const name = plainValue(listed[0] ?? []);
    if (/variables$/i.test(method[0]) && !/^expand/i.test(method[0])) return [{ kind: "lists" }];
    if (/^expand/i.test(method[0]))
      return [...(name ?? "").matchAll(/%([^%]+)%/g)].map(([, each = ""]) => ({ kind: "reads", name: each }));
    if (name === null) return [];
    if (/^get/i.test(method[0])) return [{ kind: "reads", name }];
    const target = (listed[2] ?? [])
      .map(textOf)
      .findLast((text) => text !== null)
      ?.toLowerCase();
    const reach = target?.endsWith("machine") ? "machine" : target?.endsWith("user") ? "user" : "process";
    const value = plainValue(listed[1] ?? []);
    if (value === "" || isNull(listed[1] ?? [])) return [{ kind: "deletes", name, reach }];
    return [{ kind: "sets", name, value, reach }];
  });
}

function splitArguments(tokens: readonly PowerShellToken[]): PowerShellToken[][] {
  const listed: PowerShellToken[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token.kind === "sign" && /^[([{]$/.test(token.text)) depth++;
    if (token.kind === "sign" && /^[)\]}]$/.test(token.text)) depth--;
    if (depth === 0 && token.kind === "sign" && token.text === ",") listed.push([]);
    else listed.at(-1)?.push(token);
  }
  return listed;
}

/** `setx NAME VALUE [/M]`. */
export function setxFindings(words: readonly (string | null)[]): CommandFinding[] {
  const isSwitch = (word: string | null) => word !== null && /^[/-]\w+$/.test(word);
  const reach = words.some((word) => word !== null && /^[/-]m$/i.test(word)) ? "machine" : "user";
  const [name, value = null] = words.filter((word) => !isSwitch(word));
  return typeof name === "string" ? [{ kind: "sets", name, value, reach }] : [];
}
