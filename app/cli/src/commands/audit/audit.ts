/** `cupel audit`: the commands about the audit record. A new one is a file beside this and a row in commands.ts. */
import type { CommandGroup } from "../command.ts";

export const auditGroup: CommandGroup = {
  name: "audit",
  summary: "Work on the audit record: who did what to which model",
  description: "Each has a help of its own.",
};
