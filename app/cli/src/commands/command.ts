/** What a command is: a table for the parser and the help, and the work. */
import type { Clock, Progress } from "@cupel/base";
import type { CommandHelp } from "../arguments/help.ts";
import type { Given } from "../arguments/parse.ts";

export interface Command extends CommandHelp {
  /** @throws CupelError; anything else is a defect. */
  run(given: Given, context: CommandContext): Promise<Outcome>;
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
  /** A sentence a person must see whatever else happens; under --json it is among the `remarks`. */
  remark(sentence: string): void;
}

/** The same result twice: for programs and for people. */
export interface Outcome {
  readonly json: Readonly<Record<string, unknown>>;
  readonly text: string;
}
