export { cliErrors } from "./errors.ts";
export { cupelVersion, type RunCommandOptions, runCommand } from "./run-command.ts";
export { type Terminal, terminalOf } from "./terminal/terminal.ts";
