/** What a command of a log does with variables and scripts: the one place where a program's name decides who reads its arguments. */
import type { CommandText } from "../process-event.ts";
import { cmdFindings, cmdText } from "./cmd-shell.ts";
import { type CommandFinding, deepestNesting, isScript, longestCommand, programName } from "./finding.ts";
import { posixCommand } from "./posix-shell.ts";
import { isPowerShell, powerShellCommand } from "./powershell.ts";
import { setxFindings } from "./powershell-script.ts";
import { splitCommandLine } from "./windows-command-line.ts";

/** In the order of the text; each once. */
export function commandFindings(command: CommandText | null): CommandFinding[] {
  if (command === null) return [];
  const found =
    command.kind === "arguments"
      ? findingsOf(command.arguments, 0)
      : lineFindings(command.line.slice(0, longestCommand));
  return [...new Map(found.map((finding) => [JSON.stringify(finding), finding])).values()];
}

function lineFindings(line: string): CommandFinding[] {
  const words = splitCommandLine(line);
  if (programName(words[0] ?? "") !== "cmd") return findingsOf(words, 0);
  // It does not split its arguments as others do.
  const text = cmdText(line);
  return text === null ? [] : cmdFindings(text, findingsOf);
}

function findingsOf(words: readonly string[], depth: number): CommandFinding[] {
  const [program = "", ...args] = words;
  if (program === "") return [];
  if (depth > deepestNesting)
    return [{ kind: "unreadable", why: "commands in commands go deeper than is looked at" }];
  const name = programName(program);
  if (isPowerShell(name)) return powerShellCommand(words, findingsOf, depth);
  if (name === "cmd") {
    const at = args.findIndex((word) => /^\/[ckr]$/i.test(word));
    return at < 0 ? [] : cmdFindings(args.slice(at + 1).join(" "), findingsOf, depth);
  }
  if (name === "setx") return setxFindings(args);
  if (name === "reg")
    return cmdFindings(
      ["reg", ...args.map((word) => (/\s/.test(word) ? `"${word}"` : word))].join(" "),
      () => [],
      depth,
    );
  if (name === "wscript" || name === "cscript" || name === "mshta") {
    const path = args.find((word) => !word.startsWith("/"));
    return path === undefined ? [] : [{ kind: "runs-script", path }];
  }
  return (
    posixCommand(words, findingsOf, depth) ??
    (isScript(program) ? [{ kind: "runs-script", path: program }] : [])
  );
}
