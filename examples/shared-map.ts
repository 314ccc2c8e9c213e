/**
 * Four workers share a cache, a rate limit and counters: `npx node examples/shared-map.ts`.
 *
 * Each request asks for a page. One worker renders it, for all who want it meanwhile and later: that takes 5 ms. A
 * client may have 100 pages a minute.
 */
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { type MapKey, SharedMap } from "@cupel/shared-map";

const workers = 4;
const requests = 500;
const limit = 100;

if (isMainThread) {
  using map = SharedMap.create<MapKey, string | number>({ maxBytes: 8 * 2 ** 20, eviction: "sieve" });
  const started = Array.from(
    { length: workers },
    (_, number) => new Worker(new URL(import.meta.url), { workerData: { handle: map.handle, number } }),
  );
  await Promise.all(started.map((worker) => once(worker, "exit")));
  const [served, rendered, refused] = ["served", "rendered", "refused"].map(
    (name) => map.counter(name).value,
  );
  console.log(`${served} pages served, ${rendered} of them rendered, ${refused} requests refused`);
} else {
  using map = SharedMap.attach<MapKey, string | number>(workerData.handle);
  const [served, rendered, refused] = ["served", "rendered", "refused"].map((name) => map.counter(name));
  for (let i = 0; i < requests; i++) {
    const client = (i * 7 + workerData.number) % 10;
    if (map.add(`client ${client}`, 1, { ttl: 60_000 }) > limit) {
      refused!.add();
      continue;
    }
    await map.fetch(`page ${i % 50}`, async (page) => {
      rendered!.add();
      await setTimeout(5);
      return `<h1>${page}</h1>`;
    });
    served!.add();
  }
}
