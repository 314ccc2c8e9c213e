/**
 * Records until it is killed, and says of each event that was acknowledged its id and index, after the receipt and not
 * before. Started by `kill-rounds.ts` and by the tests of faults, which hold the log against what it said.
 *
 *   node recording-child.ts FOLDER [POLICY [COUNT]]
 */
import { writeSync } from "node:fs";
import { join } from "node:path";
import { openMasker } from "../src/masking/masker.ts";
import { openRecorder } from "../src/recorder/recorder.ts";
import { testKey, testOrigin } from "./test-log.ts";

const [folder = ".", policy = "block", count = "1000000"] = process.argv.slice(2);
/** Callers at a time. */
const callers = 48;

const recorder = await openRecorder({
  folder: join(folder, "log"),
  origin: testOrigin,
  tree: { key: testKey },
  masker: openMasker({ tags: { "sub.id": "keep", "ctx.ip": "keep" }, detect: [] }, null),
  policy: policy === "spill" ? "spill" : policy === "count-and-drop" ? "count-and-drop" : "block",
  ...(policy === "spill" ? { spillFolder: join(folder, "spill") } : {}),
  deadline: 3000,
  rollBytes: 60_000,
  compression: "gzip",
});
writeSync(1, "open\n");

let next = 0;
async function call(): Promise<void> {
  while (next < Number(count)) {
    const number = next++;
    try {
      const { id, state, index } = await recorder.record({
        action: "INFER.REQUEST",
        severity: "INFO",
        subject: { kind: "client", id: `caller-${number % 7}` },
        object: { model: "board-defects", version: "3", digest: "sha256:0f".padEnd(40 + (number % 50), "7") },
        context: { number: String(number) },
      });
      writeSync(1, `${state} ${id} ${index}\n`);
    } catch (thrown) {
      const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
      writeSync(1, `refused ${code} ${number}\n`);
    }
  }
}
await Promise.all(Array.from({ length: callers }, call));
const { dropped, faults, unavailable, spilled, replayed } = recorder.metrics;
await recorder[Symbol.asyncDispose]();
writeSync(1, `closed ${JSON.stringify({ dropped, faults, unavailable, spilled, replayed })}\n`);
