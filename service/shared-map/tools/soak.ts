/**
 * Five threads, all operations, for a long time: `npm run soak -- [minutes]`, 30 by default. Not part of the tests.
 * Every few seconds the threads stop, the whole memory is checked, and a history is checked to be linearizable.
 * Ends at the first fault, with status 1.
 *
 * In each phase a thread is terminated in the middle: in half of them one that has started another, which goes with
 * it. The map objects of this thread are forgotten and collected from time to time, so that all that is left of a map
 * is its handle. The wall clocks of all threads are moved all the time; entries end when they should all the same.
 */
import { once } from "node:events";
import { collectGarbage, createRandom } from "@cupel/base";
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
const { now } = Date;
type Map = SharedMap<string | number, string>;
const handles = settings.map((options) => SharedMap.create<string | number, string>(options).handle);
/** Null once it is forgotten. */
const maps: (Map | null)[] = settings.map(() => null);
const until = now() + minutes * 60_000;
const total = { phases: 0, operations: 0, visited: 0, recorded: 0, terminated: 0, nested: 0, forgotten: 0 };

for (; now() < until; total.phases++) {
  const which = total.phases % settings.length;
  const { name, keys, longest } = settings[which]!;
  maps[which] ??= SharedMap.attach<string | number, string>(handles[which]!);
  const map = maps[which];
  await churn(map, keys, longest);
  await checkExpiry(map);
  const report = map.check();
  await record(settings[which]!.groupBits);
  const { evictions, splits, stalls, memoryBytes } = map.stats();
  console.log(
    `${new Date().toISOString()} ${name}: ${total.operations} operations, ${total.visited} visited, ${total.recorded} recorded, ` +
      `${total.terminated} terminated and ${total.nested} with them, ${total.forgotten} maps forgotten; ${report.entries} entries, ${evictions} evictions, ${splits} splits, ${stalls} ms stalled, ` +
      `map ${(memoryBytes / 2 ** 20).toFixed(1)} MiB, process ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`,
  );
  if (random.integer(2) === 0) await forget(which);
}
for (const map of maps) map?.close();
console.log(
  `soak passed: ${minutes} min, ${total.phases} phases, ${total.operations} operations by ${threads} threads, ${total.visited} entries ` +
    `iterated, ${total.recorded} operations linearizable, ${total.terminated} threads terminated and ${total.nested} with them, ` +
    `${total.forgotten} maps forgotten, memory checked ${total.phases} times`,
);

async function churn(map: Map, keys: number, longest: number): Promise<void> {
  const control = createControl();
  const parameters = { control, keys, longest, mayFill: true, iterating: 0.01, movesClock: true };
  const started = await Promise.all(
    Array.from({ length: threads }, (_, i) =>
      startThread(map, "churn", { ...parameters, isNested: i === 0, seed: random.integer(2 ** 31) }),
    ),
  );
  go(started);
  await pause(random.uniform() * phaseMs);
  const isNested = random.integer(2) === 0;
  const victim = started[isNested ? 0 : 1 + random.integer(threads - 1)]!;
  total.nested += Number(isNested);
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

/** Of the clock that only goes forward: an entry of 20 ms is gone after it, one of an hour is not. */
async function checkExpiry(map: Map): Promise<void> {
  try {
    map.set("ends soon", "", { ttl: 20 }).set("stays", "", { ttl: 3_600_000 });
  } catch (thrown) {
    if ((thrown as { code?: string }).code === "MAP_FULL") return;
    throw thrown;
  }
  Date.now = () => now() + Math.round((random.uniform() * 2 - 1) * 86_400_000);
  await pause(40);
  Date.now = now;
  if (map.has("ends soon") || !map.has("stays")) throw new Error("An entry did not end when it should.");
  map.delete("stays");
}

/** Nothing of the map is left in this thread but its handle. */
async function forget(which: number): Promise<void> {
  maps[which] = null;
  total.forgotten++;
  await pause(1);
  collectGarbage();
  await pause(1);
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
