/**
 * Entry of a thread that fills batches, one after the other. A failure that is not an image's ends the
 * thread, which its owner reports.
 */
import { parentPort, workerData } from "node:worker_threads";
import { createBatchFiller } from "./fill-batch.ts";
import type { LoaderReply, LoaderRequest, LoaderThreadData } from "./loader-protocol.ts";

if (parentPort === null) throw new Error("loader-worker.ts is the entry of a worker thread.");
const port = parentPort;
const { preprocessing, augmentation }: LoaderThreadData = workerData;
const fill = createBatchFiller(preprocessing, augmentation);

port.on("message", async (request: LoaderRequest) => {
  if (request.kind === "close") {
    // With the port closed nothing keeps the thread alive, and it ends by itself.
    port.close();
    return;
  }
  const { slots, data } = request;
  const reply: LoaderReply = { broken: await fill(slots, data), data };
  port.postMessage(reply, [data.buffer]);
});
