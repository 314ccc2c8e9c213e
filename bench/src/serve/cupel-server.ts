/**
 * The server under test, in a process of its own: prints its port, then answers each line of its input with one of its
 * own: "memory" with the bytes it has resident, "load NAME" with why loading failed, or nothing.
 *
 *   node cupel-server.ts SETTINGS     as JSON: dotted names of settings and their values
 */
import { createInterface } from "node:readline";
import { parseConfig, startServer } from "@cupel/serve";

const { config } = parseConfig({
  flags: { "listen.port": 0, "logging.level": "error", ...JSON.parse(process.argv[2] ?? "{}") },
});
await using server = await startServer(config, { log: { write: (line) => void process.stderr.write(line) } });
console.log(server.port);
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "memory") console.log(process.memoryUsage.rss());
}
