/** Two threads without WebAssembly, as under --jitless, with which Node.js could not read this file either. */
import { once } from "node:events";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import type { MapKey } from "../../src/index.ts";

Reflect.deleteProperty(globalThis, "WebAssembly");
const { SharedMap } = await import("../../src/index.ts");

if (isMainThread) {
  using map = SharedMap.create<MapKey, string | number>({ maxBytes: 2 ** 20 });
  const worker = new Worker(new URL(import.meta.url), { workerData: map.handle });
  await once(worker, "exit");
  console.log(map.handle.module, map.get("key"), map.add("n", 2));
  map.check();
} else {
  using map = SharedMap.attach<MapKey, string | number>(workerData);
  map.set("key", "value").add("n", 40);
}
