/**
 * From words to an exit status: find the command, read its arguments, do the work, print the outcome. The one
 * place where failures become text and numbers; it touches nothing but the terminal it is given.
 */
import { type Clock, type CupelError, errorFrom, silentProgress, systemClock } from "@cupel/base";
import { globals } from "./arguments/global-options.ts";
import { commandHelp, groupHelp, overview } from "./arguments/help.ts";
import { flag } from "./arguments/option.ts";
import { firstOperand, type Given, parseArguments } from "./arguments/parse.ts";
import type { CommandGroup, NamedCommand } from "./commands/command.ts";
import { commands } from "./commands/commands.ts";
import { commandsOf, findCommand, namesOf } from "./commands/find-command.ts";
import { cliErrors } from "./errors.ts";
import { printError } from "./terminal/print-error.ts";
import { printStream } from "./terminal/print-stream.ts";
import { createProgressDisplay } from "./terminal/progress-display.ts";
import { styled, type Terminal, withVisibleResults } from "./terminal/terminal.ts";
import { visibleLine } from "./terminal/visible-text.ts";
import { cupelVersion } from "./version.ts";

const version = flag({ name: "version", short: "v", summary: "Print the version and do nothing" });
const globalOptions = Object.values(globals);
const leadingOptions = [...globalOptions, version];

export interface RunCommandOptions {
  readonly signal: AbortSignal;
  readonly clock?: Clock;
}

/** @param words the command line without node and script. @returns the exit status. Never throws. */
export async function runCommand(
  words: readonly string[],
  screen: Terminal,
  { signal, clock = systemClock }: RunCommandOptions,
): Promise<number> {
  const terminal = withVisibleResults(screen);
  // Needed to print a failure to read the command line itself.
  const asked = { json: words.includes("--json"), verbose: words.includes("--verbose") };
  try {
    const failure = await dispatch(words, terminal, { signal, clock });
    if (failure === null) return 0;
    printError(terminal, failure, asked);
    return failure.spec.exit;
  } catch (thrown) {
    const error = errorFrom(thrown, signal);
    printError(terminal, error, asked);
    if (asked.json) terminal.out(`${JSON.stringify({ error })}\n`);
    return error.spec.exit;
  }
}

/** @returns what went wrong where the result is printed all the same. */
async function dispatch(
  words: readonly string[],
  terminal: Terminal,
  options: { readonly signal: AbortSignal; readonly clock: Clock },
): Promise<CupelError | null> {
  const at = firstOperand(words, leadingOptions);
  const name = words[at];
  if (name === undefined) {
    const given = parseArguments(words, { operands: [], options: leadingOptions });
    if (given.get(version)) terminal.out(versionText());
    else if (given.get(globals.help)) terminal.out(overviewText());
    else
      throw cliErrors.error(
        "ARGUMENT_MISSING",
        `No command given. The commands are ${namesOf(commands)}. See cupel --help.`,
      );
    return null;
  }
  if (name === "help") return await tellHelp(words.toSpliced(at, 1), terminal);
  if (name === "version") return tellVersion(words.toSpliced(at, 1), terminal);
  const { command, rest } = await findCommand(words, at, leadingOptions);
  if (asksForHelp(rest)) {
    terminal.out(helpOf(command));
    return null;
  }
  if (!("run" in command)) {
    throw cliErrors.error(
      "ARGUMENT_MISSING",
      `cupel ${command.name} needs a command: ${namesOf(commandsOf(command))}. See cupel ${command.name} --help.`,
    );
  }
  const given = parseArguments(rest, {
    operands: command.operands,
    options: [...command.options, ...globalOptions],
  });
  return await perform(command, given, terminal, { ...options, line: commandLine(words) });
}

/** Words that a shell would take apart are quoted. */
function commandLine(words: readonly string[]): string {
  const quoted = words.map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  return ["cupel", ...quoted].join(" ");
}

async function perform(
  command: NamedCommand,
  given: Given,
  terminal: Terminal,
  { signal, clock, line }: { readonly signal: AbortSignal; readonly clock: Clock; readonly line: string },
): Promise<CupelError | null> {
  const isQuiet = given.get(globals.quiet);
  using display = createProgressDisplay(terminal, clock);
  const remarks: string[] = [];
  const remark = (sentence: string): void => {
    remarks.push(sentence);
    if (!isQuiet) display.print(`${styled(terminal, "yellow", "note")}: ${visibleLine(sentence)}`);
  };
  for (const sentence of given.remarks) remark(sentence);
  const outcome = await command.run(given, {
    signal,
    clock,
    progress: isQuiet ? silentProgress : display,
    threads: given.get(globals.threads),
    seed: given.get(globals.seed),
    line,
    terminal,
    remark,
    say: (line) => {
      if (!isQuiet) display.print(visibleLine(line));
    },
  });
  const about = { cupel: cupelVersion(), command: command.name };
  const isJson = given.get(globals.json);
  if ("items" in outcome) return printStream(outcome, about, remarks, { isJson, terminal, signal });
  const { json, text, failure = null } = outcome;
  // Bars go before the result comes: both may be on one screen.
  display[Symbol.dispose]();
  const result = { ...about, ...json, remarks, ...(failure && { error: failure }) };
  terminal.out(isJson ? `${JSON.stringify(result)}\n` : `${text}\n`);
  return failure;
}

/** `cupel help`, `cupel help COMMAND`. @throws COMMAND_UNKNOWN */
async function tellHelp(rest: readonly string[], terminal: Terminal): Promise<null> {
  const at = firstOperand(rest, leadingOptions);
  const about = rest[at];
  const isItself = about === undefined || about === "help" || about === "version";
  const found = isItself ? null : await findCommand(rest, at, leadingOptions);
  const operands = isItself ? [helpOperand] : [];
  parseArguments(found?.rest ?? rest, { operands, options: leadingOptions });
  terminal.out(found === null ? overviewText() : helpOf(found.command));
  return null;
}

const helpOperand = { name: "COMMAND", summary: "The command to explain", optional: true };

function helpOf(command: NamedCommand | CommandGroup): string {
  return "run" in command ? commandHelp(command, globalOptions) : groupHelp(command, commandsOf(command));
}

function tellVersion(rest: readonly string[], terminal: Terminal): null {
  parseArguments(rest, { operands: [], options: leadingOptions });
  terminal.out(versionText());
  return null;
}

function overviewText(): string {
  return overview(commands, leadingOptions);
}

function versionText(): string {
  return `cupel ${cupelVersion()}\n`;
}

/** Help is given whatever else is wrong with the line. */
function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  return words.slice(0, end < 0 ? words.length : end).some((word) => word === "--help" || word === "-h");
}
