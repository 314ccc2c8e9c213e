/**
 * A server with models small enough to check by hand, for the clients and suites of tools/conformance. It writes one line
 * with its address and ends when its input ends.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openTemporaryFolder } from "@cupel/base";
import { parseConfig, startServer } from "@cupel/serve";
import { brightness, identity, scaler } from "../test/support/tiny-models.ts";

const models = {
  scaler: scaler(3),
  brightness: brightness(),
  int64: identity("int64"),
  float16: identity("float16"),
  bool: identity("bool"),
};

await using folder = await openTemporaryFolder("conformance");
for (const [name, bytes] of Object.entries(models)) await writeFile(join(folder.path, `${name}.onnx`), bytes);
const { config } = parseConfig({
  flags: {
    "repository.path": folder.path,
    "repository.mode": "explicit",
    "engine.trial": false,
    "limits.bodyLimit": 2 ** 24,
    "listen.port": 0,
    "logging.level": "error",
  },
});
await using server = await startServer(config, {
  log: { write: (line) => void process.stderr.write(line) },
});
console.log(server.url);
process.stdin.resume();
await new Promise((resolve) => process.stdin.once("end", resolve));
