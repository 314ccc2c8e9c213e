/** `cupel env`: the commands about the environment of processes. A new one is a file beside this and a row in commands.ts. */
import type { CommandGroup } from "../command.ts";

export const envGroup: CommandGroup = {
  name: "env",
  summary: "Tell who reads, sets and inherits environment variables",
  description: "Each has a help of its own.",
};
