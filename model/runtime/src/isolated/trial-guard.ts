/**
 * Entry of the thread that holds a trial's process to its limits from inside. The engine blocks the main thread for as
 * long as it works, and so may whatever the caller does block the caller's: this thread waits for neither. It ends its
 * process also when the caller is gone, whose signals nobody would send any more.
 *
 * Memory is what is resident. A limit of the address space instead would end V8, which reserves far more than it uses.
 */
import { writeSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { type GuardOrders, type GuardVerdict, guardDescriptor } from "./trial-protocol.ts";

/** The engine fills 1 to 2 GB in a second: a hundredth of that is what a process may be over its limit when it is seen. */
const everyMs = 10;

const { memory, time, caller }: GuardOrders = workerData;
const started = performance.now();

function look(): void {
  // On Linux from /proc/self, some 20 microseconds; elsewhere the system's own call for it.
  const resident = process.memoryUsage.rss();
  if (resident > memory) end({ over: "memory", resident });
  else if (performance.now() - started > time) end({ over: "time", resident });
  // Where a process keeps the number of a parent that is gone (Windows), the limits above end it.
  else if (process.ppid !== caller) process.kill(process.pid, "SIGKILL");
}

function end({ over, resident }: GuardVerdict): void {
  try {
    writeSync(guardDescriptor, `${over} ${resident}`);
  } finally {
    process.kill(process.pid, "SIGKILL");
  }
}

look();
setInterval(look, everyMs);
parentPort?.postMessage("on");
