/**
 * The recorder beside pino: it checks, masks, synchronises with the disk and proves, and pino writes the same events
 * plain. Rounds are interleaved, so that what else the machine does meets all alike.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openTemporaryFolder, type Spread, spreadOf } from "@cupel/base";
import { measureStages } from "./audit/audit-stages.ts";
import { benchmarkEvent, type Keeper, openCupel, openPino } from "./audit/audit-work.ts";
import { type OfferedRate, offer } from "./audit/offered-rate.ts";
import type { Benchmark } from "./benchmark.ts";
import { ratioText, tableText } from "./figures.ts";

const rounds = 7;
const events = Array.from({ length: 60_000 }, (_, i) => benchmarkEvent(i));
/** Offered events a second. */
const rates = [5000, 20_000, 50_000] as const;
const mostRate = 50_000;
const mostP99Ms = 25;

const ways = {
  "pino sync": (folder: string) => openPino(folder, { buffered: false }),
  "pino buffered": (folder: string) => openPino(folder, { buffered: true }),
  "cupel without tree": (folder: string) => openCupel(folder, { withTree: false }),
  "cupel with tree": (folder: string) => openCupel(folder, { withTree: true }),
} as const satisfies Record<string, (folder: string) => Promise<Keeper>>;

type Way = keyof typeof ways;
const names = [
  "pino sync",
  "pino buffered",
  "cupel without tree",
  "cupel with tree",
] as const satisfies readonly Way[];

interface Round {
  readonly wallUs: number;
  /** Of processor, of the thread that records. */
  readonly recorderUs: number;
  /** Of all others: hashing, what waits for disks, the collector of garbage. */
  readonly othersUs: number;
}

export const audit: Benchmark = {
  name: "audit",
  claim:
    "The recorder checks, masks and synchronises at 1.5 times the rate of pino's synchronous destination without the tree, and at its rate with the tree; a receipt comes within 25 ms for 99 of 100 events.",
  peer: "pino 10, sync and buffered, the same events plain",
  takes: "2 min",
  async run({ print, progress, signal }) {
    await using folder = await openTemporaryFolder("bench-audit");
    const measured = new Map<Way, Round[]>(names.map((name) => [name, []]));
    {
      using task = progress.start("keeping events", rounds * names.length);
      // The first round warms up.
      for (let round = 0; round <= rounds; round++) {
        for (const name of names) {
          signal.throwIfAborted();
          const path = join(folder.path, `${round}-${name.replaceAll(" ", "-")}`);
          await mkdir(path);
          const kept = await keepAll(await ways[name](path));
          if (round > 0) measured.get(name)?.push(kept);
          task.advance();
        }
      }
    }
    const stagesFolder = join(folder.path, "stages");
    await mkdir(stagesFolder);
    const stages = await measureStages(stagesFolder);
    const offered = await offerAll(folder.path, signal);

    const spread = (name: Way, of: (round: Round, at: number) => number): Spread =>
      spreadOf((measured.get(name) ?? []).map(of));
    const ratio = (name: Way) =>
      spread(name, ({ wallUs }, at) => (measured.get("pino sync")?.[at]?.wallUs ?? Number.NaN) / wallUs);
    print(
      tableText([
        ["", "µs an event", "events/s", "µs of processor: recorder", "other threads", "pino sync ="],
        ...names.map((name) => {
          const wall = spread(name, ({ wallUs }) => wallUs).median;
          return [
            name,
            wall.toFixed(2),
            (1e6 / wall).toFixed(0),
            spread(name, ({ recorderUs }) => recorderUs).median.toFixed(2),
            spread(name, ({ othersUs }) => othersUs).median.toFixed(2),
            ratioText(ratio(name)),
          ];
        }),
      ]),
    );
    print(
      `\nµs of processor an event, each step by itself: stamp and check ${stages.stampAndCheck.toFixed(2)}, mask ${stages.mask.toFixed(2)}, line ${stages.line.toFixed(2)}; on the hashing thread, a leaf ${stages.leafHash.toFixed(2)}. The recorder takes the first three in one pass where an event is ordinary.`,
    );
    for (const { eventsPerSecond, p50Ms, p99Ms, failed } of offered) {
      print(
        `${eventsPerSecond} events/s offered, with tree: receipt after ${p50Ms.toFixed(1)} ms at the median, ${p99Ms.toFixed(1)} ms for 99 %, ${failed} without one`,
      );
    }
    const without = ratio("cupel without tree");
    const withTree = ratio("cupel with tree");
    const carried = offered.findLast(({ p99Ms, failed }) => p99Ms <= mostP99Ms && failed === 0);
    return {
      kind: "measured",
      figures: { events: events.length, rounds: Object.fromEntries(measured), stagesUs: stages, offered },
      bars: [
        bar("without the tree, 1.5 times pino sync", ratioText(without), without.median >= 1.5),
        bar("with the tree, pino sync", ratioText(withTree), withTree.median >= 1),
        bar(
          `a receipt within ${mostP99Ms} ms for 99 % at ${mostRate} events/s`,
          carried === undefined
            ? `at none of ${rates.join(", ")} events/s`
            : `at ${carried.eventsPerSecond} events/s`,
          carried?.eventsPerSecond === mostRate,
        ),
      ],
      quote: `Checked, masked and synchronised, events are recorded at ${ratioText(without)} of pino's synchronous rate without the tree and ${ratioText(withTree)} with it.`,
    };
  },
};

function bar(claim: string, text: string, isMet: boolean) {
  return { claim, measured: text, isMet, isExact: false };
}

async function keepAll(keeper: Keeper): Promise<Round> {
  const all = process.cpuUsage();
  const thread = process.threadCpuUsage();
  const began = performance.now();
  await keeper.keep(events);
  const wallUs = (1000 * (performance.now() - began)) / events.length;
  const recorderUs = total(process.threadCpuUsage(thread)) / events.length;
  const othersUs = total(process.cpuUsage(all)) / events.length - recorderUs;
  await keeper[Symbol.asyncDispose]();
  return { wallUs, recorderUs, othersUs };
}

function total({ user, system }: NodeJS.CpuUsage): number {
  return user + system;
}

async function offerAll(folder: string, signal: AbortSignal): Promise<OfferedRate[]> {
  const tried: OfferedRate[] = [];
  for (const rate of rates) {
    signal.throwIfAborted();
    const path = join(folder, `rate-${rate}`);
    await mkdir(path);
    await using cupel = await openCupel(path, { withTree: true });
    tried.push(await offer(cupel, events, rate));
  }
  return tried;
}
