/** `cupel bench`: comparisons that measure. A new one is a file beside this and a row in commands.ts. */
import type { CommandGroup } from "../command.ts";

export const benchGroup: CommandGroup = {
  name: "bench",
  summary: "Compare protocols over emulated links, or make a server's answers late",
  description: "Each has a help of its own.",
};
