/**
 * A stream of what the runtime does, into files, beside the work and never in its way: threads write into rings (`ring-layout.ts`), and
 * a thread of its own makes lines of that.
 */
import { join } from "node:path";
import { baseErrors, lockFile, moduleBeside, OwnedThread, reasonOf } from "@cupel/base";
import type { RuntimeCounts } from "./ring-collector.ts";
import { createRing, type RingHandle } from "./ring-layout.ts";
import type { RuntimeLogData, RuntimeLogTask } from "./runtime-log-task.ts";
import { runtimeFolder } from "./stream-file-name.ts";

export interface RuntimeLogOptions {
  /** The files lie in `runtime/` in it; it may be that of a record. */
  readonly folder: string;
  /** Of a ring, for entries: a power of two. Default 2 MiB, which has room for about 20,000 entries. */
  readonly ringBytes?: number | undefined;
  /** After which another file is begun. Default 16 MiB. */
  readonly fileBytes?: number | undefined;
  /** That are kept, with the one being written; older ones go. Default 4. */
  readonly files?: number | undefined;
  /** Told when lines cannot be written, and once they can again. Default: nobody; the counts say it. */
  readonly onAlert?: ((message: string) => void) | undefined;
}

export interface RuntimeLog extends AsyncDisposable {
  /** For one thread, `watchRuntime` in it. @param thread its name in the stream. @throws THREAD_CRASHED */
  ring(thread: string): Promise<RingHandle>;
  /** Resolves when all that was written into the rings before is in the files, or counted. @throws THREAD_CRASHED */
  drain(): Promise<RuntimeCounts>;
}

/** Milliseconds between two looks at the rings: a ring of 2 MiB then has room for about 200,000 entries a second, and each look costs as much as a hundred entries. */
const drainMs = 100;
const countsEveryMs = 1000;
const defaults = { ringBytes: 2 ** 21, fileBytes: 2 ** 24, files: 4 };
const leastFileBytes = 4096;

/**
 * Disposing of it writes what is left. What was not read when a process is killed is lost.
 * @throws OPTION_INVALID, FILE_LOCKED where another process writes there, WRITE_FAILED, DISK_FULL
 */
export async function openRuntimeLog({
  folder: around,
  ringBytes = defaults.ringBytes,
  fileBytes = defaults.fileBytes,
  files = defaults.files,
  onAlert = () => {},
}: RuntimeLogOptions): Promise<RuntimeLog> {
  assertLimits(fileBytes, files);
  createRing("", ringBytes);
  const folder = runtimeFolder(around);
  await using stack = new AsyncDisposableStack();
  stack.use(await lockFile(join(folder, "writer"), "runtime log"));
  const thread = start({ folder, fileBytes, files, drainMs });
  stack.defer(() => thread.close());
  await thread.perform({ kind: "open" });
  const alerts = watchFaults(thread, onAlert);
  stack.defer(() => clearInterval(alerts));
  const owned = stack.move();
  return {
    async ring(name) {
      const ring = createRing(name, ringBytes);
      await thread.perform({ kind: "add", ring });
      return ring;
    },
    drain: () => thread.perform({ kind: "drain" }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function assertLimits(fileBytes: number, files: number): void {
  if (!(fileBytes >= leastFileBytes)) {
    throw baseErrors.error(
      "OPTION_INVALID",
      `A file of the runtime log has at least ${leastFileBytes} bytes, not ${fileBytes}.`,
    );
  }
  if (!(Number.isInteger(files) && files >= 1)) {
    throw baseErrors.error("OPTION_INVALID", `At least one file of the runtime log is kept, not ${files}.`);
  }
}

function start(data: RuntimeLogData): OwnedThread<RuntimeLogTask, RuntimeCounts> {
  return new OwnedThread(moduleBeside(import.meta.url, "runtime-log-thread"), {
    name: "cupel-runtime-log",
    data,
    closed: () =>
      baseErrors.error("OPTION_INVALID", "The runtime log is closed. Open it again to write into it."),
    advice: "The runtime log ends here; the work goes on without it.",
  });
}

function watchFaults(
  thread: OwnedThread<RuntimeLogTask, RuntimeCounts>,
  onAlert: (message: string) => void,
): NodeJS.Timeout {
  let last: string | null = null;
  const look = async () => {
    let fault: string | null;
    try {
      ({ fault } = await thread.perform({ kind: "counts" }));
    } catch (thrown) {
      fault = reasonOf(thrown);
    }
    if (fault === last) return;
    last = fault;
    onAlert(
      fault === null ? "The runtime log is written again." : `The runtime log is not written: ${fault}`,
    );
  };
  return setInterval(() => void look(), countsEveryMs).unref();
}
