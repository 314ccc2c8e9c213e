/** A thread of the tests: attaches the map, runs one task of the table, posts what it returned, and closes. */
import { parentPort, workerData } from "node:worker_threads";
import { SharedMap, type SharedMapHandle } from "../../src/index.ts";
import { identity } from "../../src/thread-identity.ts";
import { type TaskName, tasks } from "./tasks.ts";

const { handle, task, parameters }: { handle: SharedMapHandle; task: TaskName; parameters: unknown } =
  workerData;
const map = SharedMap.attach(handle);
parentPort?.postMessage({ kind: "ready", identity });
parentPort?.once("message", (message) => {
  // As a thread whose program is careless.
  if (message === "end") return parentPort?.close();
  const result = (tasks[task] as (map: unknown, parameters: unknown) => unknown)(map, parameters);
  map.close();
  parentPort?.postMessage({ kind: "done", result });
  parentPort?.close();
});
