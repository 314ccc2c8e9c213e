/**
 * The arguments of powershell.exe and pwsh (about_PowerShell_exe). A name may be cut short as long as it is one's alone, and begins with a
 * dash of any length or a slash. `-EncodedCommand`, also as -e, -ec and -enc, is base64 of UTF-16LE.
 */
import { type CommandFinding, isScript, programName } from "./finding.ts";
import { type NestedCommand, powerShellFindings } from "./powershell-script.ts";

/** In the order in which a short name is taken. Those with a value; -Command and -File take all that follows. */
const switches: readonly {
  readonly name: string;
  readonly takes: "nothing" | "value" | "encoded" | "command" | "file";
  readonly aliases?: readonly string[];
}[] = [
  { name: "encodedcommand", takes: "encoded", aliases: ["e", "ec"] },
  { name: "encodedarguments", takes: "value", aliases: ["ea", "encodeda"] },
  { name: "executionpolicy", takes: "value", aliases: ["ep", "ex"] },
  { name: "command", takes: "command", aliases: ["c"] },
  { name: "commandwithargs", takes: "command", aliases: ["cwa"] },
  { name: "file", takes: "file", aliases: ["f"] },
  { name: "configurationname", takes: "value" },
  { name: "configurationfile", takes: "value" },
  { name: "custompipename", takes: "value" },
  { name: "inputformat", takes: "value", aliases: ["if", "in"] },
  { name: "outputformat", takes: "value", aliases: ["o", "of"] },
  { name: "psconsolefile", takes: "value" },
  { name: "settingsfile", takes: "value", aliases: ["settings"] },
  { name: "version", takes: "value", aliases: ["v"] },
  { name: "windowstyle", takes: "value", aliases: ["w"] },
  { name: "workingdirectory", takes: "value", aliases: ["wd", "wo"] },
  { name: "interactive", takes: "nothing", aliases: ["i"] },
  { name: "login", takes: "nothing", aliases: ["l"] },
  { name: "mta", takes: "nothing" },
  { name: "sta", takes: "nothing" },
  { name: "noexit", takes: "nothing" },
  { name: "nologo", takes: "nothing" },
  { name: "noninteractive", takes: "nothing" },
  { name: "noprofile", takes: "nothing" },
  { name: "noprofileloadtime", takes: "nothing" },
  { name: "help", takes: "nothing", aliases: ["h", "?"] },
];

export function isPowerShell(program: string): boolean {
  return program === "powershell" || program === "pwsh" || program === "powershell_ise";
}

/** @param words the program and its arguments */
export function powerShellCommand(
  words: readonly string[],
  nested: NestedCommand,
  depth: number,
): CommandFinding[] {
  const [program = "", ...args] = words;
  const script = (text: string) => powerShellFindings(text, nested, depth + 1);
  for (let at = 0; at < args.length; at++) {
    const argument = args[at]!;
    const given = /^[-/\u2013\u2014\u2015]{1,2}([\w?]+)(?::(.*))?$/.exec(argument);
    const found = given === null ? undefined : switchNamed(given[1]!.toLowerCase());
    if (found === undefined) {
      // What has no name is a file for pwsh, and a command for Windows PowerShell.
      if (isScript(argument)) return [{ kind: "runs-script", path: argument }];
      return programName(program) === "pwsh" ? [] : script(args.slice(at).join(" "));
    }
    if (found.takes === "nothing") continue;
    const inline = given?.[2];
    const value = inline ?? args[at + 1];
    if (found.takes === "value") at += inline === undefined ? 1 : 0;
    else if (found.takes === "command") {
      const text = [...(inline === undefined ? [] : [inline]), ...args.slice(at + 1)].join(" ");
      return text.trim() === "-"
        ? [{ kind: "unreadable", why: "its commands come from standard input" }]
        : script(text);
    } else if (found.takes === "encoded") {
      const text = value === undefined ? null : decodeCommand(value);
      return text === null
        ? [{ kind: "unreadable", why: "its encoded command is no base64 of UTF-16" }]
        : script(text);
    } else return value === undefined ? [] : fileFindings(value);
  }
  return [];
}

function switchNamed(name: string) {
  return (
    switches.find(({ aliases = [] }) => aliases.includes(name)) ??
    switches.find((each) => each.name.startsWith(name))
  );
}

/** Null where it is none. */
export function decodeCommand(text: string): string | null {
  const plain = text.replaceAll(/[\s"']/g, "");
  if (plain === "" || !/^[A-Za-z0-9+/]+={0,2}$/.test(plain)) return null;
  const bytes = Buffer.from(plain, "base64");
  return bytes.length > 0 && bytes.length % 2 === 0 ? bytes.toString("utf16le") : null;
}

/** `-File "%X%"` is expanded by cmd; `$env:X` is not, by PowerShell, unless it is expanded before. */
function fileFindings(path: string): CommandFinding[] {
  const variable =
    /^%([^%]+)%$/.exec(path)?.[1] ??
    /^\$(?:env:(\w+)|\{env:([^}]+)\})$/i
      .exec(path)
      ?.slice(1)
      .find((each) => each !== undefined);
  return variable === undefined
    ? [{ kind: "runs-script", path }]
    : [{ kind: "runs-variable", name: variable }];
}
