/** Entry of a thread that does one piece of work on pixels. */
import { serveThread } from "@cupel/base";
import type { RawImage } from "../image.ts";
import type { PixelThreadTask } from "./pixel-thread.ts";
import { doPixelTask } from "./pixel-work.ts";

serveThread<PixelThreadTask, RawImage>({
  perform({ task, stop }) {
    const result = doPixelTask(task, () => Atomics.load(stop, 0) === 1);
    const { buffer } = result.data;
    return { result, transfer: buffer instanceof ArrayBuffer ? [buffer] : [] };
  },
});
