/** `cupel audit tail --runtime`: what the runtime of a server does, as it is written. */
import { followRuntimeLog } from "@cupel/audit";
import type { CommandContext, StreamedResult } from "../command.ts";

/** Until it is interrupted, which is no failure. @param folder of `cupel serve --runtime-log` */
export function tailRuntime(folder: string, { signal }: Pick<CommandContext, "signal">): StreamedResult {
  let count = 0;
  async function* items() {
    for await (const line of followRuntimeLog(folder, { signal })) {
      count++;
      yield { json: parsed(line), text: line };
    }
  }
  return {
    begin: { json: { folder }, text: "" },
    list: "lines",
    items: items(),
    end: () => ({ json: { count }, text: "" }),
  };
}

/** What a crash left of a line is told as it is. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}
