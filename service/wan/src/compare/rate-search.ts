/**
 * The highest rate that this machine carries: with the cell that costs most processor time, requests are sent within a
 * millisecond of when they are due, at the 99th percentile, and the server keeps up with them. Which cell that is, short
 * runs of each tell.
 */
import { type Progress, silentProgress, throwIfCancelled } from "@cupel/base";
import { wanErrors } from "../errors.ts";
import { type LinkKind, openMeasuredLink } from "../link/measured-link.ts";
import { openGenerator } from "../load/generate-load.ts";
import { assertScenario, type Cell, type Scenario } from "../scenario/scenario.ts";
import { carriedLimits, judgeLoad } from "./carried-load.ts";
import { cellText } from "./cell-text.ts";
import { FarServers, type StartServer } from "./far-servers.ts";
import { highestCarried, mostTrials, type RateRange, searchRates, twoOfThree } from "./highest-rate.ts";
import { measureRun, type RunFigures } from "./measure-run.ts";

/** What is punctual: schedule lag at the 99th percentile, ms. */
export const lagLimitMs = 1;

/**
 * Each cell at one rate, low enough for any machine: once so that the server has done it, and once for its cost. Then the
 * costliest at rates of the range. Times in ms.
 */
export const rateSearchPlan = {
  costRuns: 2,
  costs: { perSecond: 250, warmUpMs: 500, measureMs: 1_000 },
  probe: { warmUpMs: 1_500, measureMs: 3_500 },
  /** Of the rate that is asked for, the least that is tried. */
  leastShare: 1 / 16,
  within: 1.25,
  /** Of a rate, see `twoOfThree`. */
  mostProbes: 3,
  /** Of the highest that probes carry, what all cells are run at: their runs are longer, and there are many. */
  share: 0.8,
} as const;

export interface RateProbe {
  readonly perSecond: number;
  /** Of each probe: two or three, until two agree. */
  readonly lagP99Ms: readonly number[];
  /** Of each probe, what was answered well in time. */
  readonly answered: readonly number[];
  readonly isCarried: boolean;
}

export interface RateSearch {
  /** Requests a second that the scenario asks for; no more were tried. */
  readonly asked: number;
  /** Requests a second: the highest that probes carry. */
  readonly highest: number;
  /** What all cells are run at: what is asked, else a share of the highest. */
  readonly perSecond: number;
  readonly lagLimitMs: number;
  /** What it was searched with. */
  readonly cell: Cell;
  /** Of each cell, processor time of both ends, ms a request: the least of its runs. */
  readonly cpuMs: readonly number[];
  readonly probes: readonly RateProbe[];
}

export interface RateSearchOptions {
  /** Default "emulated". */
  readonly link?: LinkKind | undefined;
  readonly startServer: StartServer;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

export function rangeOf({ load }: Pick<Scenario, "load">): RateRange {
  const { leastShare, within } = rateSearchPlan;
  return { least: Math.max(1, Math.round(leastShare * load.perSecond)), most: load.perSecond, within };
}

/**
 * Up to the scenario's rate, over its first link: what a machine carries is no matter of the link.
 * @throws RATE_NOT_CARRIED where even the least rate is not; SCENARIO_INVALID, LINK_UNAVAILABLE, LINK_FAILED, LOAD_FAILED
 */
export async function searchRate(scenario: Scenario, options: RateSearchOptions): Promise<RateSearch> {
  assertScenario(scenario);
  const { load, cells, links } = scenario;
  const { progress = silentProgress, startServer, seed, signal } = options;
  const range = rangeOf(scenario);
  const most = rateSearchPlan.costRuns * cells.length + rateSearchPlan.mostProbes * mostTrials(range);
  using task = progress.start("Searching the rate that this machine carries", most, "probes");
  await using link = await openMeasuredLink(options.link ?? "emulated", links[0]!.spec, options);
  await using servers = new FarServers(link, startServer);
  await using generator = openGenerator({ place: link.near, signal });
  let turn = 0;
  const run = async (cell: Cell, perSecond: number, how: { warmUpMs: number; measureMs: number }) => {
    throwIfCancelled(signal, "The search");
    task.note(`${cellText(cell)}, ${perSecond}/s`);
    const figures = await measureRun({ link, servers, generator }, { ...load, perSecond }, cell, {
      ...how,
      seed: seed + turn++,
    });
    task.advance();
    return figures;
  };
  const { costRuns, costs, probe } = rateSearchPlan;
  let cpuMs: number[] = [];
  for (let i = 0; i < costRuns; i++) {
    const before = cpuMs;
    cpuMs = [];
    for (const [at, cell] of cells.entries()) {
      const figures = await run(cell, Math.min(costs.perSecond, load.perSecond), costs);
      cpuMs.push(Math.min(cpuMsOf(figures), before[at] ?? Number.POSITIVE_INFINITY));
    }
  }
  const cell = cells[cpuMs.indexOf(Math.max(...cpuMs))]!;
  const probes = await searchRates(range, async (perSecond): Promise<RateProbe> => {
    const { figures, isCarried } = await twoOfThree(
      async () => {
        const { load: found } = await run(cell, perSecond, probe);
        return { lagP99Ms: found.lag?.p99 ?? 0, ...judgeLoad(found) };
      },
      (each) => each.lagP99Ms <= lagLimitMs && each.isCarried,
    );
    return {
      perSecond,
      lagP99Ms: figures.map((each) => each.lagP99Ms),
      answered: figures.map((each) => each.answered),
      isCarried,
    };
  });
  const highest = highestCarried(probes);
  if (highest === null)
    throw wanErrors.error(
      "RATE_NOT_CARRIED",
      `Even ${range.least} requests a second are not carried here (${cellText(cell)}: ${probes
        .at(-1)
        ?.lagP99Ms.map(
          (lag, i) =>
            `schedule lag P99 ${lag.toFixed(1)} ms, ${(100 * (probes.at(-1)?.answered[i] ?? 0)).toFixed(1)} % answered`,
        )
        .join(
          "; ",
        )}; the limits are ${lagLimitMs} ms and ${100 * carriedLimits.answered} %). Free the machine of other work, or set a rate.`,
      { details: { probes } },
    );
  const perSecond =
    highest === range.most ? highest : Math.max(1, Math.round(rateSearchPlan.share * highest));
  return { asked: load.perSecond, highest, perSecond, lagLimitMs, cell, cpuMs, probes };
}

/** Of both ends, ms a request. */
export function cpuMsOf({ load, serverCpuSeconds }: RunFigures): number {
  return 1000 * (load.cpuSeconds / load.requests + serverCpuSeconds / load.sent);
}
