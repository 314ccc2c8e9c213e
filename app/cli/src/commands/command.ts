/** What a command is: a row of all commands, a table for the parser and the help, and the work. */
import type { Clock, CupelError, Progress } from "@cupel/base";
import type { CommandHelp } from "../arguments/help.ts";
import type { Given } from "../arguments/parse.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface CommandRow {
  /** One word, or that of its group, a space and another. */
  readonly name: string;
  /** One line. */
  readonly summary: string;
  load(): Promise<Command>;
}

export interface Command extends Omit<CommandHelp, "name" | "summary"> {
  /** @throws CupelError; anything else is a defect. */
  run(given: Given, context: CommandContext): Promise<Outcome>;
}

export interface NamedCommand extends Command, CommandHelp {}

/** Commands that share a first word, which alone is none. */
export interface CommandGroup {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  readonly description: string;
}

/** What every command is lent. */
export interface CommandContext {
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly clock: Clock;
  /** Engine threads. */
  readonly threads: number;
  readonly seed: number;
  /** As it was given, to be repeated in a shell. */
  readonly line: string;
  /** See `Terminal`. */
  readonly terminal: Pick<Terminal, "input" | "isOutInteractive" | "columns">;
  /** A sentence a person must see whatever else happens; under --json it is among the `remarks`. */
  remark(sentence: string): void;
  /** A line about work under way that stays, beside the progress. */
  say(line: string): void;
}

export type Outcome = Result | StreamedResult;

/** The same result twice: for programs and for people. */
export interface Result {
  readonly json: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** What the result is bad news of: printed after it, and the exit status is its own. */
  readonly failure?: CupelError | null;
}

/** A result with a list that may be too long to be kept: it is printed while it is made. */
export interface StreamedResult {
  /** What comes before the list; an empty text is no line. */
  readonly begin: Result;
  /** The key of the list. */
  readonly list: string;
  /** Ended early where nobody reads any more. */
  readonly items: AsyncIterable<Omit<Result, "json"> & { readonly json: unknown }>;
  /** What is known after it. */
  end(): Result;
}
