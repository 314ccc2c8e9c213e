/** `cupel audit tail`: what is written, while it is written. */
import { flag } from "../../arguments/option.ts";
import { cliErrors } from "../../errors.ts";
import type { Command } from "../command.ts";
import { tailRuntime } from "./tail-runtime.ts";

const runtimeOption = flag({
  name: "runtime",
  summary:
    "What the runtime does (collections, event loop, connections, requests), as cupel serve --runtime-log writes it. It is no audit log",
});

export const auditTailCommand: Command = {
  name: "audit tail",
  summary: "Follow what the runtime of a server does",
  description:
    "One JSON object a line: first what the log says of itself, then the last ten lines, then each as it comes, until Ctrl-C. Entries that were " +
    "overwritten before they were read are told in their place, with their count.",
  operands: [{ name: "FOLDER", summary: "Of the log" }],
  options: [runtimeOption],
  examples: [
    { line: "cupel audit tail --runtime record", says: "of a server with --runtime-log record" },
    {
      line: `cupel audit tail --runtime record | jq 'select(.kind == "gc")'`,
      says: "its garbage collections alone",
    },
  ],
  async run(given, context) {
    const folder = given.operands[0]!;
    if (given.get(runtimeOption)) return tailRuntime(folder, context);
    throw cliErrors.error(
      "ARGUMENT_MISSING",
      `What is to be followed? Write: cupel audit tail --runtime ${folder}`,
    );
  },
};
