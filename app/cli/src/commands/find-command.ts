/** Which command a line names: a word, or two words for a command of a group. */
import { suggest } from "@cupel/base";
import type { Option } from "../arguments/option.ts";
import { firstOperand } from "../arguments/parse.ts";
import { cliErrors } from "../errors.ts";
import type { CommandGroup, CommandRow, NamedCommand } from "./command.ts";
import { commands, groups } from "./commands.ts";

export interface FoundCommand {
  /** A group where its word stands alone. */
  readonly command: NamedCommand | CommandGroup;
  /** Without the words that name it. */
  readonly rest: readonly string[];
}

/** @param at of the first word of the name. @param options that may stand before the second. @throws COMMAND_UNKNOWN */
export async function findCommand(
  words: readonly string[],
  at: number,
  options: readonly Option<unknown>[],
): Promise<FoundCommand> {
  const name = words[at] ?? "";
  const rest = words.toSpliced(at, 1);
  const group = groups.find((each) => each.name === name);
  if (group === undefined) return { command: await load(rowNamed(name)), rest };
  const second = firstOperand(rest, options);
  const word = rest[second];
  if (word === undefined) return { command: group, rest };
  return { command: await load(rowNamed(`${name} ${word}`)), rest: rest.toSpliced(second, 1) };
}

export async function load(row: CommandRow): Promise<NamedCommand> {
  const { name, summary } = row;
  return { name, summary, ...(await row.load()) };
}

export function commandsOf({ name }: CommandGroup): readonly CommandRow[] {
  return commands.filter((each) => each.name.startsWith(`${name} `));
}

export function namesOf(those: readonly CommandRow[]): string {
  return those.map(({ name }) => name).join(", ");
}

/** @throws COMMAND_UNKNOWN */
function rowNamed(name: string): CommandRow {
  const command = commands.find((each) => each.name === name);
  if (command !== undefined) return command;
  const group = groups.find((each) => name.startsWith(`${each.name} `));
  const those = group === undefined ? commands : commandsOf(group);
  const near = suggest(name, [
    ...those.map((each) => each.name),
    ...(group ? [] : [...groups.map((each) => each.name), "help", "version"]),
  ]);
  const advice = near === null ? `The commands are ${namesOf(those)}.` : `Did you mean cupel ${near}?`;
  throw cliErrors.error("COMMAND_UNKNOWN", `There is no command "${name}". ${advice}`, {
    details: { command: name, suggestion: near },
  });
}
