/** What a command of a shell of Unix does with the environment: `X=y command`, `export`, `$X`, `env`, `printenv`, scripts, `. file`, `eval`. */
import { type Part, shellTokens } from "../../snapshot/posix/shell-tokens.ts";
import { type CommandFinding, deepestNesting, isScript, longestCommand, programName } from "./finding.ts";
import type { NestedCommand } from "./powershell-script.ts";

const shells = new Set(["sh", "bash", "dash", "ash", "zsh", "ksh", "rbash"]);
const interpreters = new Set([
  "node",
  "nodejs",
  "deno",
  "bun",
  "python",
  "python2",
  "python3",
  "perl",
  "ruby",
  "php",
]);

/** @param words the program and its arguments. Null for a program that says nothing of either. */
export function posixCommand(
  words: readonly string[],
  nested: NestedCommand,
  depth: number,
): CommandFinding[] | null {
  const [program = "", ...args] = words;
  // A login shell has a dash before its name.
  const name = programName(program).replace(/^-/, "");
  if (depth > deepestNesting)
    return [{ kind: "unreadable", why: "commands in commands go deeper than is looked at" }];
  if (shells.has(name)) return shellFindings(args, nested, depth);
  if (name === "busybox" || name === "sudo" || name === "nohup" || name === "exec" || name === "time") {
    return nested(args.slice(args.findIndex((word) => !word.startsWith("-"))), depth + 1);
  }
  if (name === "env") return envFindings(args, nested, depth);
  if (name === "printenv") {
    const names = args.filter((word) => !word.startsWith("-"));
    return names.length === 0 ? [{ kind: "lists" }] : names.map((each) => ({ kind: "reads", name: each }));
  }
  if (interpreters.has(name) || /^python\d(\.\d+)?$/.test(name)) {
    const path = args.find(
      (word, at) =>
        !word.startsWith("-") && !/^(-r|--require|--import|-m|-c|-e|-W|-X|-I)$/.test(args[at - 1] ?? ""),
    );
    const isCode = args.some((word) => /^(-c|-e|--eval|-m)$/.test(word));
    return path === undefined || isCode ? [] : [{ kind: "runs-script", path }];
  }
  return program.includes("/") && isScript(program) ? [{ kind: "runs-script", path: program }] : null;
}

function shellFindings(args: readonly string[], nested: NestedCommand, depth: number): CommandFinding[] {
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (/^-\w*c\w*$/.test(word)) {
      const text = args.slice(at + 1).find((each) => !/^[-+]/.test(each));
      return text === undefined ? [] : shellText(text, nested, depth + 1);
    }
    if (/^(-o|\+o|-O|--rcfile|--init-file)$/.test(word)) at++;
    else if (!/^[-+]/.test(word)) return [{ kind: "runs-script", path: word }];
  }
  return [];
}

function envFindings(args: readonly string[], nested: NestedCommand, depth: number): CommandFinding[] {
  const findings: CommandFinding[] = [];
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at]!;
    const [, unset] = /^(?:-u|--unset)(?:=(.*))?$/.exec(word) ?? [];
    if (/^(-u|--unset)/.test(word)) {
      const name = unset ?? (word.length > 2 && !word.startsWith("--") ? word.slice(2) : args[++at]);
      if (name !== undefined) findings.push({ kind: "deletes", name, reach: "process" });
    } else if (/^-[CS]$/.test(word)) at++;
    else if (!word.startsWith("-")) {
      const equals = word.indexOf("=");
      if (equals <= 0) break;
      findings.push({
        kind: "sets",
        name: word.slice(0, equals),
        value: word.slice(equals + 1),
        reach: "process",
      });
    }
  }
  const rest = args.slice(at);
  return rest.length === 0 ? [...findings, { kind: "lists" }] : [...findings, ...nested(rest, depth + 1)];
}

function shellText(text: string, nested: NestedCommand, depth: number): CommandFinding[] {
  const findings: CommandFinding[] = [];
  let words: (readonly Part[])[] = [];
  const finish = () => {
    if (words.length > 0) findings.push(...commandFindings(words, nested, depth));
    words = [];
  };
  try {
    for (const token of shellTokens(text.slice(0, longestCommand), "a command")) {
      if (token.kind === "word") words.push(token.parts);
      else if (!/[<>]/.test(token.text)) finish();
    }
  } catch {
    findings.push({ kind: "unreadable", why: "a quote or bracket of it is not closed" });
  }
  finish();
  return findings;
}

const keywords = new Set(["then", "else", "do", "{", "}", "!", "if", "while", "until", "elif"]);

function commandFindings(
  all: readonly (readonly Part[])[],
  nested: NestedCommand,
  depth: number,
): CommandFinding[] {
  const findings: CommandFinding[] = [];
  for (const word of all)
    findings.push(...namesIn(word).map((name): CommandFinding => ({ kind: "reads", name })));
  let words = all;
  while (words[0] !== undefined && keywords.has(literalOf(words[0]) ?? "")) words = words.slice(1);
  let at = 0;
  for (; at < words.length; at++) {
    const set = assignmentOf(words[at]!);
    if (set === null) break;
    findings.push(set);
  }
  const [first, ...rest] = words.slice(at);
  if (first === undefined) return findings;
  const name = literalOf(first);
  if (name === null) return [...findings, ...runs(first)];
  if (name === "export" || name === "declare" || name === "typeset") {
    return [...findings, ...rest.map(assignmentOf).filter((each) => each !== null)];
  }
  if (name === "unset") {
    return [
      ...findings,
      ...rest
        .map(literalOf)
        .flatMap((each): CommandFinding[] =>
          each === null || each.startsWith("-") ? [] : [{ kind: "deletes", name: each, reach: "process" }],
        ),
    ];
  }
  if (name === "set" && rest.length === 0) return [...findings, { kind: "lists" }];
  if (name === "." || name === "source" || name === "eval") {
    return [
      ...findings,
      ...rest.slice(0, 1).flatMap((word): CommandFinding[] => {
        const path = literalOf(word);
        return path === null
          ? runs(word)
          : name === "eval"
            ? shellText(path, nested, depth + 1)
            : [{ kind: "runs-script", path }];
      }),
    ];
  }
  if (shells.has(programName(name)) || interpreters.has(programName(name))) {
    // The script that a shell is given, or the code.
    const script = rest.find((word) => !(literalOf(word) ?? "").startsWith("-"));
    if (script !== undefined && literalOf(script) === null) return [...findings, ...runs(script)];
  }
  const literal = [name, ...rest.map(literalOf).filter((each) => each !== null)];
  return [...findings, ...nested(literal, depth + 1)];
}

function runs(word: readonly Part[]): CommandFinding[] {
  return namesIn(word).map((name) => ({ kind: "runs-variable", name }));
}

function namesIn(parts: readonly Part[]): string[] {
  return parts.flatMap((part) => (part.kind === "parameter" ? [part.name, ...namesIn(part.word)] : []));
}

function literalOf(parts: readonly Part[]): string | null {
  return parts.every((part) => part.kind === "text")
    ? parts.map((part) => (part.kind === "text" ? part.text : "")).join("")
    : null;
}

function assignmentOf(parts: readonly Part[]): CommandFinding | null {
  const [first, ...rest] = parts;
  const found =
    first?.kind === "text" && !first.isQuoted ? /^([A-Za-z_]\w*)\+?=([\s\S]*)$/.exec(first.text) : null;
  if (found === null) return null;
  const [, name = "", head = ""] = found;
  const tail = literalOf(rest);
  return { kind: "sets", name, value: tail === null ? null : head + tail, reach: "process" };
}
