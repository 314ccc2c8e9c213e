/** How long what is asked for takes, s: it is said before. Searches take the most that they can. Pure. */
import { capacityCongestions } from "../scenario/questions.ts";
import type { Cell, Scenario } from "../scenario/scenario.ts";
import { capacityPlan, mostCapacityTrials, shareMeasureMs } from "./capacity.ts";
import { mostTrials } from "./highest-rate.ts";
import type { PlanOptions } from "./plan.ts";
import { rangeOf, rateSearchPlan } from "./rate-search.ts";

/** A link that opens; a server that starts; the probes of a round; a process of a run that starts and ends. */
const perLink = 1;
const perServer = 2;
const perRound = 6;
const perRun = 1;

interface Lasting {
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** One connection may not carry the load: what it has not answered waits for its deadline after the run. */
function runSeconds(
  { policy }: Cell,
  { deadlineMs }: Scenario["load"],
  { warmUpMs, measureMs }: Lasting,
): number {
  const waitMs = policy.connections === 1 ? deadlineMs : 0;
  return perRun + (warmUpMs + measureMs + waitMs) / 1000;
}

/** A server a mode of TLS. */
function openSeconds(cells: readonly Cell[]): number {
  return perLink + perServer * new Set(cells.map(({ tls }) => tls)).size;
}

const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);

/** Of a comparison. */
export function secondsOf(
  { links, cells, load }: Pick<Scenario, "links" | "cells" | "load">,
  plan: PlanOptions,
): number {
  const round = perRound + sum(cells.map((cell) => runSeconds(cell, load, plan)));
  return links.length * (openSeconds(cells) + plan.rounds * round);
}

/** Of `searchRate`. */
export function rateSearchSeconds(scenario: Pick<Scenario, "cells" | "load">): number {
  const { costRuns, costs, probe, mostProbes } = rateSearchPlan;
  const probes = mostTrials(rangeOf(scenario)) * mostProbes;
  const probeSeconds = perRun + (probe.warmUpMs + probe.measureMs) / 1000;
  return (
    openSeconds(scenario.cells) +
    costRuns * sum(scenario.cells.map((cell) => runSeconds(cell, scenario.load, costs))) +
    probes * probeSeconds
  );
}

/** Of `measureCapacity`. */
export function capacitySeconds(
  { links, load }: Scenario,
  policies: readonly Cell[],
  plan: PlanOptions,
): number {
  const trials = mostCapacityTrials({ load });
  const perCongestion =
    perRound + sum(policies.map((cell) => trials * runSeconds(cell, load, capacityPlan.trial)));
  const atShare = { ...plan, measureMs: shareMeasureMs(1, plan.measureMs) };
  const shared = secondsOf({ links: links.slice(0, 1), cells: policies.slice(0, 2), load }, atShare);
  return links.length * (openSeconds(policies) + capacityCongestions.length * (perCongestion + shared));
}
