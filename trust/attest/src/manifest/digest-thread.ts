/** The inside of a digesting thread. */
import { workerData } from "node:worker_threads";
import { serveThread } from "@cupel/base";
import { digestFile } from "./digest-file.ts";
import type { ByteCounter, DigestTask, TaskDigests } from "./digest-task.ts";

const counter: ByteCounter = workerData;
const onBytes = (count: number) => Atomics.add(counter, 0, BigInt(count));

serveThread<DigestTask, TaskDigests>({
  async perform({ root, files, hashNames }, signal) {
    const result = [];
    for (const file of files) result.push(await digestFile(root, file, hashNames, { signal, onBytes }));
    return { result };
  },
});
