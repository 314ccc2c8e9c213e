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
say("open");

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
      say(`${state} ${id} ${index}`);
    } catch (thrown) {
      const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
      say(`refused ${code} ${number}`);
    }
  }
}
await Promise.all(Array.from({ length: callers }, call));
const { dropped, faults, unavailable, spilled, replayed } = recorder.metrics;
await recorder[Symbol.asyncDispose]();
say(`closed ${JSON.stringify({ dropped, faults, unavailable, spilled, replayed })}`);

/** All of it is with the system when it returns. A pipe that is full says so, and is waited for. */
function say(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let at = 0; at < bytes.byteLength; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (thrown) {
      if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EAGAIN")) throw thrown;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
