/**
 * What the heap of the main thread holds, as Chrome's developer tools read it (.heapsnapshot). V8 looks at the whole heap
 * at once: the server answers nobody meanwhile, a second or so for each 100 MB. Strings of requests are in it: whoever
 * may ask for one sees what callers sent.
 */
import { type Readable, Transform } from "node:stream";
import { getHeapSnapshot, getHeapStatistics } from "node:v8";
import { bytesText } from "@cupel/base";
import { serveErrors } from "../errors.ts";

/**
 * @param limit bytes, of the heap and of the snapshot, which is usually smaller. The stream fails with DEBUG_TOO_LARGE
 * beyond. @throws DEBUG_TOO_LARGE where the heap is larger already: nothing was begun then
 */
export function heapSnapshot(limit: number): Readable {
  const { used_heap_size: used } = getHeapStatistics();
  if (used > limit) throw tooLarge(`The heap has ${bytesText(used)}`, limit);
  return bounded(getHeapSnapshot(), limit);
}

/** The same bytes, up to a limit. Whoever destroys it destroys the source. */
export function bounded(source: Readable, limit: number): Readable {
  let written = 0;
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      written += chunk.length;
      if (written > limit) done(tooLarge("The snapshot has more", limit));
      else done(null, chunk);
    },
  });
  source.once("error", (error) => through.destroy(error));
  through.once("close", () => source.destroy());
  return source.pipe(through);
}

function tooLarge(what: string, limit: number) {
  return serveErrors.error(
    "DEBUG_TOO_LARGE",
    `${what}; admin.heapBytes allows ${bytesText(limit)}. Set it higher where there is memory for it.`,
    { details: { setting: "admin.heapBytes", limit } },
  );
}
