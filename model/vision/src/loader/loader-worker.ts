/** Entry of a thread that fills batches, one after the other. */
import { workerData } from "node:worker_threads";
import { serveThread } from "@cupel/base";
import { createBatchFiller } from "./fill-batch.ts";
import type { FilledBatch, LoaderTask, LoaderThreadData } from "./loader-protocol.ts";

const options: LoaderThreadData = workerData;
const fill = createBatchFiller(options);

serveThread<LoaderTask, FilledBatch>({
  async perform({ slots, data }, signal) {
    return { result: { unreadable: await fill(slots, data, signal), data }, transfer: [data.buffer] };
  },
});
