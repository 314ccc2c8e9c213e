/**
 * The load that each connection policy carries, with each congestion control, and what the client's policy makes of a
 * single connection at a share of what that one carries: where one connection cannot carry the load at all, its latency
 * there says nothing.
 */
import { silentProgress, throwIfCancelled } from "@cupel/base";
import { clientPolicy, stockPolicy } from "../face/connection-policy.ts";
import { openEmulatedLink } from "../link/emulated-link.ts";
import { type LinkVerification, verifyLink } from "../link/verify-link.ts";
import { openGenerator } from "../load/generate-load.ts";
import { capacityCongestions } from "../scenario/questions.ts";
import { assertScenario, type Cell, type Scenario, type ScenarioLink } from "../scenario/scenario.ts";
import { judgeLoad, type LoadVerdict } from "./carried-load.ts";
import { cellText } from "./cell-text.ts";
import { FarServers } from "./far-servers.ts";
import { highestCarried, mostTrials, type RateRange, searchRates } from "./highest-rate.ts";
import { measureRun } from "./measure-run.ts";
import { type LinkReport, reportLink } from "./report-link.ts";
import { type ComparisonOptions, compareOver } from "./run-comparison.ts";

/** Times in ms. */
export const capacityPlan = {
  trial: { warmUpMs: 3_000, measureMs: 8_000 },
  /** Of the rate that all are asked, the least that is tried. */
  leastShare: 1 / 64,
  within: 1.15,
  /** Of what the single connection carries, what both policies are compared at. */
  share: 0.7,
  /** Requests that a run of that comparison has at least, so that ten are beyond P99; but no run counts longer. */
  leastRequests: 1_000,
  mostMeasureMs: 20_000,
} as const;

export interface LoadTrial extends LoadVerdict {
  readonly perSecond: number;
  /** How late requests were sent: above `lagLimitMs` the machine may have been the limit. */
  readonly lagP99Ms: number;
}

export interface CarriedLoad {
  readonly cell: Cell;
  /** Requests a second, the highest that is carried; null: not even the least that was tried. */
  readonly perSecond: number | null;
  /** The highest that was tried is carried: the policy may carry more. */
  readonly isAll: boolean;
  readonly trials: readonly LoadTrial[];
}

export interface ShareComparison extends LinkReport {
  /** Requests a second that both are compared at. */
  readonly perSecond: number;
}

export interface CongestionCapacity {
  readonly congestion: string;
  readonly carried: readonly CarriedLoad[];
  /** The single connection and the client's policy at `capacityPlan.share` of what the first carries; null: that is nothing. */
  readonly atShare: ShareComparison | null;
}

export interface LinkCapacity {
  /** Of the link. */
  readonly name: string;
  /** Before the trials of each congestion control. */
  readonly verifications: readonly LinkVerification[];
  readonly congestions: readonly CongestionCapacity[];
}

export function capacityRange({ load }: Pick<Scenario, "load">): RateRange {
  const { leastShare, within } = capacityPlan;
  return { least: Math.max(1, Math.round(leastShare * load.perSecond)), most: load.perSecond, within };
}

/**
 * Over each of its links, up to the scenario's rate.
 * @param policies cells that differ in their policy, the stock one and the client's among them
 * @throws as runComparison
 */
export async function measureCapacity(
  scenario: Scenario,
  policies: readonly Cell[],
  options: ComparisonOptions,
): Promise<readonly LinkCapacity[]> {
  const all = capacityCongestions.flatMap((congestion) => policies.map((cell) => ({ ...cell, congestion })));
  assertScenario({ ...scenario, cells: all });
  const measured: LinkCapacity[] = [];
  for (const link of scenario.links) {
    const { verifications, carried } = await searchLoads(link, scenario, all, options);
    const congestions: CongestionCapacity[] = [];
    for (const congestion of capacityCongestions) {
      const own = carried.filter(({ cell }) => cell.congestion === congestion);
      congestions.push({ congestion, carried: own, atShare: await atShare(link, scenario, own, options) });
    }
    measured.push({ name: link.name, verifications, congestions });
  }
  return measured;
}

async function searchLoads(
  { name, spec }: ScenarioLink,
  scenario: Scenario,
  cells: readonly Cell[],
  options: ComparisonOptions,
): Promise<{ verifications: LinkVerification[]; carried: CarriedLoad[] }> {
  const { progress = silentProgress, startServer, seed, signal } = options;
  const range = capacityRange(scenario);
  using task = progress.start(`Searching the load that is carried over ${name}`, cells.length, "policies");
  await using link = await openEmulatedLink(spec, options);
  await using servers = new FarServers(link, startServer);
  await using generator = openGenerator({ place: link.near, signal });
  const verifications: LinkVerification[] = [];
  const carried: CarriedLoad[] = [];
  for (const [i, cell] of cells.entries()) {
    if (cell.congestion !== cells[i - 1]?.congestion)
      verifications.push(await verifyLink(link, spec, options));
    const trials = await searchRates(range, async (perSecond): Promise<LoadTrial> => {
      throwIfCancelled(signal, "The search");
      task.note(`${cellText(cell)}, ${perSecond}/s`);
      const { load } = await measureRun({ link, servers, generator }, { ...scenario.load, perSecond }, cell, {
        ...capacityPlan.trial,
        seed: seed + perSecond,
      });
      return { perSecond, ...judgeLoad(load), lagP99Ms: load.lag?.p99 ?? 0 };
    });
    const perSecond = highestCarried(trials);
    carried.push({ cell, perSecond, isAll: perSecond === range.most, trials });
    task.advance();
  }
  return { verifications, carried };
}

async function atShare(
  link: ScenarioLink,
  { load }: Scenario,
  carried: readonly CarriedLoad[],
  options: ComparisonOptions,
): Promise<ShareComparison | null> {
  const of = (policy: Cell["policy"]) => carried.find(({ cell }) => cell.policy === policy);
  const [stock, client] = [of(stockPolicy), of(clientPolicy)];
  if (stock === undefined || client === undefined || stock.perSecond === null) return null;
  const perSecond = Math.max(1, Math.round(capacityPlan.share * stock.perSecond));
  const cells = [stock.cell, client.cell];
  const compared = await compareOver(
    link,
    { load: { ...load, perSecond }, cells },
    { ...options, measureMs: shareMeasureMs(perSecond, options.measureMs) },
  );
  return { perSecond, ...reportLink(compared, cells) };
}

/** What counts of a run that asks so often. */
export function shareMeasureMs(perSecond: number, measureMs: number): number {
  const { leastRequests, mostMeasureMs } = capacityPlan;
  return Math.max(measureMs, Math.min(mostMeasureMs, Math.ceil((1000 * leastRequests) / perSecond)));
}

/** Trials of a search at most. */
export function mostCapacityTrials(scenario: Pick<Scenario, "load">): number {
  return mostTrials(capacityRange(scenario));
}
