/**
 * The entry of the thread that reads the rings and writes the stream. It looks at them every so often: being woken for an entry would
 * cost its writer a call into the system.
 */
import { workerData } from "node:worker_threads";
import { serveThread, systemClock, writeError } from "@cupel/base";
import { RingCollector, type RuntimeCounts } from "./ring-collector.ts";
import { lineAbout, notice } from "./runtime-line.ts";
import type { RuntimeLogData, RuntimeLogTask } from "./runtime-log-task.ts";
import { StreamFiles } from "./stream-files.ts";

const { folder, fileBytes, files: kept, drainMs }: RuntimeLogData = workerData;

interface Open {
  readonly files: StreamFiles;
  readonly collector: RingCollector;
  readonly timer: NodeJS.Timeout;
}

let open: Open | null = null;

/** @throws WRITE_FAILED, DISK_FULL */
function opened(): Open {
  if (open !== null) return open;
  const heading = (file: number) =>
    lineAbout("about", systemClock.now(), { notice, pid: process.pid, node: process.version, file });
  const files = openFiles(heading);
  const collector = new RingCollector(files);
  open = { files, collector, timer: setInterval(() => collector.drain(), drainMs) };
  return open;
}

function openFiles(heading: (file: number) => string): StreamFiles {
  try {
    return new StreamFiles({ folder, fileBytes, files: kept, heading });
  } catch (thrown) {
    throw writeError(folder, thrown);
  }
}

serveThread<RuntimeLogTask, RuntimeCounts>({
  perform(task) {
    const { collector } = opened();
    if (task.kind === "add") collector.add(task.ring);
    if (task.kind === "drain") collector.drain();
    return { result: collector.counts };
  },
  end() {
    if (open === null) return;
    clearInterval(open.timer);
    open.collector.end();
    open.files[Symbol.dispose]();
  },
});
