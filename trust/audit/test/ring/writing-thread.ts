/** A thread that writes entries into a ring as fast as it can, each of which can be checked by itself, and tells how many. */
import { parentPort, workerData } from "node:worker_threads";
import { RingWriter } from "../../src/ring/ring-writer.ts";
import { writeChecked } from "./checked-entries.ts";

const { ring, count, pauseEvery } = workerData;
const rest = new Int32Array(new SharedArrayBuffer(4));
const writer = new RingWriter(ring);
for (let i = 0; i < count; i++) {
  writeChecked(writer, i);
  if (pauseEvery > 0 && i % pauseEvery === 0) Atomics.wait(rest, 0, 0, 1);
}
writer[Symbol.dispose]();
parentPort?.postMessage({ written: writer.written, overwritten: writer.overwritten });
