/**
 * The ring for what the runtime does beside pino, which writes the same events: what one costs the thread that tells it, and all threads at a
 * rate. The ring may overwrite; what it did so is counted, and the count is held against the writer's own.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openTemporaryFolder, type Spread, spreadOf } from "@cupel/base";
import { type Burst, burst, type Paced, paced } from "./audit/ring-load.ts";
import { type Fate, openNothing, openPinoLines, openRing, type RuntimeWay } from "./audit/ring-ways.ts";
import type { Benchmark } from "./benchmark.ts";
import { ratioText, tableText } from "./figures.ts";

const rounds = 5;
const burstEvents = 60_000;
/** Holds a burst, so that the ring too keeps all. */
const wholeRing = 2 ** 23;
const floodEvents = 2_000_000;
const rates = [5000, 100_000] as const;
const lengthMs = 2000;
const mostUsAtFirstRate = 5;

const ways = {
  nothing: () => openNothing(),
  ring: (folder: string, ringBytes?: number) => openRing(folder, ringBytes),
  "pino sync": (folder: string) => openPinoLines(folder, { buffered: false }),
  "pino buffered": (folder: string) => openPinoLines(folder, { buffered: true }),
} as const satisfies Record<string, (folder: string, ringBytes?: number) => Promise<RuntimeWay>>;

type Way = keyof typeof ways;
const names = ["nothing", "ring", "pino sync", "pino buffered"] as const satisfies readonly Way[];
const tellers = names.filter((name) => name !== "nothing");

export const auditRing: Benchmark = {
  name: "audit-ring",
  claim:
    "Telling the ring of an event costs the thread a third of what pino's buffered destination costs; at 5,000 events/s all threads take at most 5 µs of processor an event; what is offered is read or counted as overwritten, to the last one.",
  peer: "pino 10, sync and buffered, the same events",
  takes: "2 min",
  async run({ print, progress, signal }) {
    await using folder = await openTemporaryFolder("bench-audit-ring");
    const bursts = new Map<Way, Burst[]>(tellers.map((name) => [name, []]));
    const atRate = new Map(
      rates.map((rate) => [rate, new Map<Way, Paced[]>(names.map((name) => [name, []]))]),
    );
    const misses: string[] = [];
    const check = (what: string, offered: number, { consumed, overwritten }: Fate) => {
      if (consumed + overwritten !== offered)
        misses.push(`${what}: ${offered} offered, ${consumed} + ${overwritten}`);
    };
    let opened = 0;
    const open = async (name: Way, ringBytes?: number): Promise<RuntimeWay> => {
      signal.throwIfAborted();
      const path = join(folder.path, String(opened++));
      await mkdir(path);
      return await ways[name](path, ringBytes);
    };
    const floods: Burst[] = [];
    {
      using task = progress.start("telling events", rounds);
      // The first round warms up.
      for (let round = 0; round <= rounds; round++) {
        for (const name of tellers) {
          await using way = await open(name, wholeRing);
          const result = await burst(way, burstEvents);
          check(`burst, ${name}`, burstEvents, result);
          if (round > 0) bursts.get(name)?.push(result);
        }
        {
          await using way = await open("ring");
          const flood = await burst(way, floodEvents);
          check("flood, ring", floodEvents, flood);
          if (round > 0) floods.push(flood);
        }
        if (round === 0) continue;
        for (const rate of rates) {
          for (const name of names) {
            await using way = await open(name);
            const result = await paced(way, rate, lengthMs);
            check(`${rate}/s, ${name}`, result.offered, result);
            atRate.get(rate)?.get(name)?.push(result);
          }
        }
        task.advance();
      }
    }

    const inBurst = (name: Way, of: (burst: Burst) => number): Spread =>
      spreadOf((bursts.get(name) ?? []).map(of));
    const tellRatio = (name: Way) =>
      spreadOf(
        (bursts.get(name) ?? []).map(
          ({ tellNs }, at) => tellNs / (bursts.get("ring")?.[at]?.tellNs ?? Number.NaN),
        ),
      );
    print(
      tableText([
        [
          "as fast as possible",
          "ns an event, its thread",
          "events/s",
          "ns until in the file",
          "ns of processor",
          "its thread, ring = 1",
        ],
        ...tellers.map((name) => {
          const tell = inBurst(name, ({ tellNs }) => tellNs).median;
          return [
            name,
            tell.toFixed(0),
            (1e9 / tell).toFixed(0),
            inBurst(name, ({ wallNs }) => wallNs).median.toFixed(0),
            inBurst(name, ({ cpuNs }) => cpuNs).median.toFixed(0),
            ratioText(tellRatio(name)),
          ];
        }),
      ]),
    );
    const flood = spreadOf(floods.map(({ tellNs }) => tellNs));
    const lost = spreadOf(floods.map(({ overwritten }) => overwritten / floodEvents));
    print(
      `\n${floodEvents} events at once into a ring of 2 MiB: ${flood.median.toFixed(0)} ns an event, ${(100 * lost.median).toFixed(1)} % overwritten and counted\n`,
    );
    const cost = (rate: (typeof rates)[number], name: Way, of: (paced: Paced) => number): Spread => {
      const nothing = atRate.get(rate)?.get("nothing") ?? [];
      const its = atRate.get(rate)?.get(name) ?? [];
      return spreadOf(its.map((each, at) => (of(each) - of(nothing[at] ?? each)) / each.measured));
    };
    const share = (rate: (typeof rates)[number], name: Way) =>
      spreadOf((atRate.get(rate)?.get(name) ?? []).map(({ cpuUs, seconds }) => cpuUs / seconds / 1e6)).median;
    const lostAt = (rate: (typeof rates)[number], name: Way) =>
      (atRate.get(rate)?.get(name) ?? []).reduce((sum, { overwritten }) => sum + overwritten, 0);
    print(
      tableText([
        [
          "offered",
          "",
          "processor of one core",
          "µs an event, its thread",
          "µs an event, all threads",
          "overwritten",
        ],
        ...rates.flatMap((rate) =>
          names.map((name) => [
            `${rate}/s`,
            name,
            `${(100 * share(rate, name)).toFixed(1)} %`,
            cost(rate, name, ({ ownCpuUs }) => ownCpuUs).median.toFixed(2),
            cost(rate, name, ({ cpuUs }) => cpuUs).median.toFixed(2),
            String(lostAt(rate, name)),
          ]),
        ),
      ]),
    );
    const buffered = tellRatio("pino buffered");
    const atFirst = cost(rates[0], "ring", ({ cpuUs }) => cpuUs);
    return {
      kind: "measured",
      figures: {
        burstEvents,
        bursts: Object.fromEntries(bursts),
        floodEvents,
        floods,
        atRate: Object.fromEntries([...atRate].map(([rate, byWay]) => [rate, Object.fromEntries(byWay)])),
        misses,
      },
      bars: [
        {
          claim: "what is offered is read or counted as overwritten",
          measured: misses.length === 0 ? "to the last one" : misses.join("; "),
          isMet: misses.length === 0,
          isExact: true,
        },
        {
          claim: "on its thread, pino buffered costs 3 times the ring",
          measured: ratioText(buffered),
          isMet: buffered.median >= 3,
          isExact: false,
        },
        {
          claim: `at ${rates[0]} events/s, ${mostUsAtFirstRate} µs of processor an event`,
          measured: `${atFirst.median.toFixed(2)} µs`,
          isMet: atFirst.median <= mostUsAtFirstRate,
          isExact: false,
        },
      ],
      quote: `An event told to the ring costs its thread ${inBurst("ring", ({ tellNs }) => tellNs).median.toFixed(0)} ns; pino costs it ${ratioText(buffered)} of that buffered and ${ratioText(tellRatio("pino sync"))} synchronously.`,
    };
  },
};
