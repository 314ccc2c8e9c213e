/** What cmd.exe is told to do with the environment: `set X=`, `%X%`, `!X!`, `setx`, `reg add`, batch files, and programs that it starts. */
import { type CommandFinding, deepestNesting, isScript, longestCommand, programName } from "./finding.ts";
import { type NestedCommand, setxFindings } from "./powershell-script.ts";
import { splitCommandLine } from "./windows-command-line.ts";

/** @param line the command line of cmd.exe, whole. @returns what stands behind /c, /k or /r */
export function cmdText(line: string): string | null {
  const found =
    /^\s*(?:"[^"]*"|[^\s/]+(?:\s|$|(?=\/)))\s*((?:\/[a-z](?::\w+)?\s*)*?)\/([ckr])\s*([\s\S]*)$/i.exec(line);
  if (found === null) return null;
  const text = found[3]!.trim();
  // With quotes around it all, cmd takes off the first and the last.
  return /^"[\s\S]*"$/.test(text) &&
    (/^""/.test(text) || text.slice(1, -1).includes('"') || /[\s&|<>()@^]/.test(text))
    ? text.slice(1, -1)
    : text;
}

export function cmdFindings(text: string, nested: NestedCommand, depth = 0): CommandFinding[] {
  if (depth > deepestNesting)
    return [{ kind: "unreadable", why: "commands in commands go deeper than is looked at" }];
  return commandsOf(text.slice(0, longestCommand)).flatMap((command) =>
    commandFindings(command, nested, depth),
  );
}

/** Split at &, | and brackets outside of quotes; "^" takes the next character as it is. */
function commandsOf(text: string): string[] {
  const commands: string[] = [];
  let command = "";
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    if (c === '"') isQuoted = !isQuoted;
    if (c === "^" && !isQuoted) {
      command += text[++at] ?? "";
    } else if (!isQuoted && /[&|\n]/.test(c)) {
      commands.push(command);
      command = "";
    } else command += c;
  }
  return [...commands, command]
    .map((each) => each.trim().replace(/^[@(]+\s*/, ""))
    .filter((each) => each !== "");
}

function commandFindings(command: string, nested: NestedCommand, depth: number): CommandFinding[] {
  const reads = namesIn(command).map((name): CommandFinding => ({ kind: "reads", name }));
  const words = splitCommandLine(command);
  const [first = "", ...rest] = words;
  const name = programName(first);
  if (name === "set") return [...reads, ...setFindings(command.trim().slice(3))];
  if (name === "setx")
    return [...reads, ...setxFindings(rest.map((word) => (/[%!]/.test(word) ? null : word)))];
  if (name === "reg") return [...reads, ...regFindings(rest)];
  if (name === "call" || name === "start") {
    const target = rest.filter(
      (word, at) => !/^\/\w/.test(word) && !(name === "start" && at === 0 && /^\s*start\s+"/i.test(command)),
    );
    return [...reads, ...runFindings(target, nested, depth)];
  }
  return [...reads, ...runFindings(words, nested, depth)];
}

function runFindings(words: readonly string[], nested: NestedCommand, depth: number): CommandFinding[] {
  const [first] = words;
  if (first === undefined) return [];
  const variable = /^[%!]([^%!:]+)[%!]/.exec(first)?.[1];
  if (variable !== undefined) return [{ kind: "runs-variable", name: variable }];
  if (isScript(first)) return [{ kind: "runs-script", path: first }];
  return nested(words, depth + 1);
}

/** `%X%`, `%X:~0,3%`, `%X:a=b%`, `!X!`. */
function namesIn(text: string): string[] {
  return [
    ...new Set(
      [...text.matchAll(/([%!])([A-Za-z_][^%!:"=]*)(?::[^%!]*)?\1/g)].map(([, , name = ""]) => name),
    ),
  ];
}

function setFindings(text: string): CommandFinding[] {
  const given = text.trim();
  if (given === "") return [{ kind: "lists" }];
  const quoted = /^"([\s\S]*)"[^"]*$/.exec(given)?.[1];
  const body = quoted ?? given;
  if (/^\/a\b/i.test(body)) {
    const name = /([A-Za-z_]\w*)\s*[-+*/%&|^]?=/.exec(body)?.[1];
    return name === undefined ? [] : [{ kind: "sets", name, value: null, reach: "process" }];
  }
  const isAsked = /^\/p\b/i.test(body);
  const plain = isAsked ? body.slice(2).trimStart() : body;
  const equals = plain.indexOf("=");
  // `set A` shows those that begin with A.
  if (equals < 0) return [{ kind: "reads", name: plain }];
  const name = plain.slice(0, equals).replace(/^"/, "");
  const value = plain.slice(equals + 1);
  if (value === "" && !isAsked) return [{ kind: "deletes", name, reach: "process" }];
  return [{ kind: "sets", name, value: isAsked || /[%!]/.test(value) ? null : value, reach: "process" }];
}

/** `reg add HKCU\Environment /v NAME /d VALUE`, `reg delete`. */
function regFindings(words: readonly string[]): CommandFinding[] {
  const [verb = "", key = ""] = words;
  const after = (flag: string) => words[words.findIndex((word) => word.toLowerCase() === flag) + 1];
  const hive = /^(?:\\\\[^\\]+\\)?(HKCU|HKEY_CURRENT_USER)\\Environment$/i.test(key)
    ? "user"
    : /Session Manager\\Environment$/i.test(key)
      ? "machine"
      : null;
  const hasName = words.some((word) => word.toLowerCase() === "/v");
  const name = after("/v");
  if (hive === null) return [];
  if (/^query$/i.test(verb))
    return hasName && name !== undefined ? [{ kind: "reads", name }] : [{ kind: "lists" }];
  if (!hasName || name === undefined) return [];
  if (/^delete$/i.test(verb)) return [{ kind: "deletes", name, reach: hive }];
  const hasValue = words.some((word) => word.toLowerCase() === "/d");
  return /^add$/i.test(verb)
    ? [{ kind: "sets", name, value: hasValue ? (after("/d") ?? null) : "", reach: hive }]
    : [];
}
