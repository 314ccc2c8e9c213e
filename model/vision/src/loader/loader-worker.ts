/** Entry of a thread that fills batches, one after the other. */
import { workerData } from "node:worker_threads";
import { serveThread } from "@cupel/base";
import { createBatchFiller } from "./fill-batch.ts";
import type { FilledBatch, LoaderTask, LoaderThreadData } from "./loader-protocol.ts";

const { preprocessing, augmentation }: LoaderThreadData = workerData;
const fill = createBatchFiller(preprocessing, augmentation);

serveThread<LoaderTask, FilledBatch>({
  async perform({ slots, data }) {
    return { result: { unreadable: await fill(slots, data), data }, transfer: [data.buffer] };
  },
});
