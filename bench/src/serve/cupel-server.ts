/**
 * The server under test, in a process of its own. It prints its port, then answers each line of its input with one of its
 * own: "memory" with the bytes it has resident, "events" with how many of each kind it told the record, as JSON.
 *
 *   node cupel-server.ts SETTINGS     as JSON: dotted names of settings and their values
 */
import { createInterface } from "node:readline";
import type { EventSink } from "@cupel/base";
import { parseConfig, startServer } from "@cupel/serve";

const { config } = parseConfig({
  flags: { "listen.port": 0, "logging.level": "fatal", ...JSON.parse(process.argv[2] ?? "{}") },
});
const events = new Map<string, number>();
/** Of models only: what each request would tell is measured elsewhere. */
const sink: EventSink = {
  emit({ action }) {
    events.set(action, (events.get(action) ?? 0) + 1);
    return undefined;
  },
};
await using server = await startServer(config, {
  ...(process.argv[3] === "events" ? { sink } : {}),
  log: { write: (line) => void process.stderr.write(line) },
});
console.log(server.port);
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "memory") console.log(process.memoryUsage.rss());
  if (line === "events") console.log(JSON.stringify(Object.fromEntries(events)));
}
