export { cliErrors } from "./errors.ts";
export { type RunCommandOptions, runCommand } from "./run-command.ts";
export { type Terminal, terminalOf } from "./terminal/terminal.ts";
export { cupelVersion } from "./version.ts";
