export { cliErrors } from "./errors.ts";
export { type CommandOptions, cupelVersion, runCommand } from "./run-command.ts";
export { type Terminal, terminalOf } from "./terminal/terminal.ts";
