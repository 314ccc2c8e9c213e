/**
 * Four threads, all operations, for a long time: `npm run soak -- [minutes]`, 30 by default. Not part of the
 * tests. Every few seconds the threads stop, the whole memory is checked, and a history is checked to be
 * linearizable; one thread of each phase is terminated in the middle. Ends at the first fault, with status 1.
 */
import { once } from "node:events";
import { createRandom } from "@cupel/base";
import { SharedMap } from "../src/index.ts";
import { checkLinearizable } from "../test/linearizability/checker.ts";
import { explain } from "../test/linearizability/explain.ts";
import { createRows, createTickets, decodeRows } from "../test/linearizability/history.ts";
import { createControl, go, startThread } from "../test/threads/start.ts";

const minutes = Number(process.argv[2] ?? 30);
if (!(minutes > 0)) {
  console.error("npm run soak -- [minutes above 0]");
  process.exit(64);
}
const threads = 4;
const phaseMs = 8000;
const recorded = 10_000;

const settings = [
  { name: "evicts", maxBytes: 2 ** 23, eviction: "sieve", groupBits: 7, keys: 40_000, longest: 60_000 },
  { name: "refuses", maxBytes: 2 ** 24, eviction: "none", groupBits: 7, keys: 60_000, longest: 2000 },
  { name: "small segments", maxBytes: 2 ** 23, eviction: "sieve", groupBits: 0, keys: 20_000, longest: 5000 },
  {
    name: "near caches",
    maxBytes: 2 ** 24,
    eviction: "sieve",
    groupBits: 3,
    keys: 5000,
    longest: 500,
    nearCache: 2000,
  },
] as const;

const random = createRandom(Date.now());
const maps = settings.map((options) => SharedMap.create<string | number, string>(options));
const until = Date.now() + minutes * 60_000;
const total = { phases: 0, operations: 0, visited: 0, recorded: 0, terminated: 0 };

for (; Date.now() < until; total.phases++) {
  const which = total.phases % settings.length;
  const { name, keys, longest } = settings[which]!;
  const map = maps[which]!;
  await churn(map, keys, longest);
  const report = map.check();
  await record(settings[which]!.groupBits);
  const { evictions, splits, stalls, memoryBytes } = map.stats();
  console.log(
    `${new Date().toISOString()} ${name}: ${total.operations} operations, ${total.visited} visited, ${total.recorded} recorded, ` +
      `${total.terminated} terminated; ${report.entries} entries, ${evictions} evictions, ${splits} splits, ${stalls} ms stalled, ` +
      `map ${(memoryBytes / 2 ** 20).toFixed(1)} MiB, process ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`,
  );
}
for (const map of maps) map.close();
console.log(
  `soak passed: ${minutes} min, ${total.phases} phases, ${total.operations} operations by ${threads} threads, ${total.visited} entries ` +
    `iterated, ${total.recorded} operations linearizable, ${total.terminated} threads terminated, memory checked ${total.phases} times`,
);

async function churn(map: SharedMap<string | number, string>, keys: number, longest: number): Promise<void> {
  const control = createControl();
  const parameters = { control, keys, longest, mayFill: true, iterating: 0.01 };
  const started = await Promise.all(
    Array.from({ length: threads }, () =>
      startThread(map, "churn", { ...parameters, seed: random.integer(2 ** 31) }),
    ),
  );
  go(started);
  await pause(random.uniform() * phaseMs);
  const victim = started[random.integer(threads)]!;
  const exit = once(victim.worker, "exit");
  void victim.worker.terminate();
  await exit;
  total.terminated++;
  await pause(phaseMs / 2);
  Atomics.store(control, 0, 1);
  await Promise.all(started.map(({ done }) => done));
  total.operations += control[1]! >>> 0;
  total.visited += control[2]! >>> 0;
  // The terminated thread is recovered by a task of its own.
  await pause(50);
}

async function record(groupBits: number): Promise<void> {
  using map = SharedMap.create<number, number>({
    maxBytes: 2 ** 24,
    groupBits,
    nearCache: random.integer(2) * 16,
  });
  const tickets = createTickets();
  const rows = Array.from({ length: threads }, () => createRows(recorded));
  const started = await Promise.all(
    rows.map((own, thread) =>
      startThread(map, "record", {
        rows: own,
        tickets,
        thread,
        operations: recorded,
        keys: 16,
        seed: random.integer(2 ** 31),
      }),
    ),
  );
  go(started);
  await Promise.all(started.map(({ done }) => done));
  const result = checkLinearizable(rows.flatMap(decodeRows));
  if (!result.ok) throw new Error(explain(result));
  total.recorded += threads * recorded;
  map.check();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
