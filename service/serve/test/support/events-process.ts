/** A process of several that tells events when it is told to, and what came of each. */
import { errorFrom } from "@cupel/base";
import { handEvents } from "../../src/processes/handed-events.ts";

const sink = handEvents();
const tell = (told: unknown) => process.send?.(told);
process.on("message", async (message: { readonly tell?: readonly string[]; readonly leave?: true }) => {
  if (message.leave) process.disconnect?.();
  const outcomes = (message.tell ?? []).map(async (action) => {
    try {
      await sink.emit({ action, severity: "INFO", subject: {}, object: {}, context: {} });
      return "kept";
    } catch (thrown) {
      return errorFrom(thrown).code;
    }
  });
  if (message.leave) {
    const codes = await Promise.all(outcomes);
    process.exit(codes.every((code) => code === "SERVER_STOPPING") ? 0 : 1);
  }
  for (const outcome of outcomes) tell({ told: await outcome });
});
tell("ready");
