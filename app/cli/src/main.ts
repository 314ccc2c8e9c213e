#!/usr/bin/env node
/** The `cupel` command: the process around `runCommand`. */
import { listenForInterrupts } from "./interrupt.ts";
import { runCommand } from "./run-command.ts";
import { terminalOf } from "./terminal/terminal.ts";

const terminal = terminalOf(process, process.env);
using interrupts = listenForInterrupts(process, () =>
  terminal.err("Stopping; nothing half-written is left. Press Ctrl-C again to quit at once.\n"),
);
process.exitCode = await runCommand(process.argv.slice(2), terminal, { signal: interrupts.signal });
