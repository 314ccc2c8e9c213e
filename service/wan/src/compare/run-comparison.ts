/** Runs a comparison: a link, a server at its far end, and the runs of the plan, with the link verified before each round. */
import { type Progress, silentProgress, throwIfCancelled } from "@cupel/base";
import { type DelayVerification, type LinkKind, openMeasuredLink } from "../link/measured-link.ts";
import type { LinkVerification } from "../link/verify-link.ts";
import { openGenerator } from "../load/generate-load.ts";
import { assertScenario, type Scenario, type ScenarioLink } from "../scenario/scenario.ts";
import { cellText } from "./cell-text.ts";
import { FarServers, type StartServer } from "./far-servers.ts";
import { type MeasuredRun, measureRun } from "./measure-run.ts";
import { type PlanOptions, planRuns } from "./plan.ts";

export interface ComparisonOptions extends PlanOptions {
  /** Default "emulated". */
  readonly link?: LinkKind | undefined;
  readonly startServer: StartServer;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

export interface ComparedLink {
  /** "San Jose - Singapore" */
  readonly name: string;
  /** One a round. */
  readonly verifications: readonly (LinkVerification | DelayVerification)[];
  readonly runs: readonly MeasuredRun[];
}

/** @throws SCENARIO_INVALID, LINK_UNAVAILABLE, LINK_FAILED, LINK_OFF, LOAD_FAILED */
export async function runComparison(
  scenario: Scenario,
  options: ComparisonOptions,
): Promise<readonly ComparedLink[]> {
  assertScenario(scenario);
  const compared: ComparedLink[] = [];
  for (const link of scenario.links) compared.push(await compareOver(link, scenario, options));
  return compared;
}

/** Over one of its links. */
export async function compareOver(
  { name, spec }: ScenarioLink,
  { load, cells }: Pick<Scenario, "load" | "cells">,
  options: ComparisonOptions,
): Promise<ComparedLink> {
  const { progress = silentProgress, startServer, signal } = options;
  const plan = planRuns(cells, options);
  using task = progress.start(`Comparing over ${name}`, plan.length, "runs");
  await using link = await openMeasuredLink(options.link ?? "emulated", spec, options);
  await using servers = new FarServers(link, startServer);
  await using generator = openGenerator({ place: link.near, signal });
  const verifications: (LinkVerification | DelayVerification)[] = [];
  const runs: MeasuredRun[] = [];
  for (const run of plan) {
    throwIfCancelled(signal, "The comparison");
    const cell = cells[run.cell]!;
    task.note(cellText(cell));
    if (run.round === verifications.length) verifications.push(await link.verify());
    runs.push({
      ...run,
      ...(await measureRun({ link, servers, generator }, load, cell, { ...options, seed: run.seed })),
    });
    task.advance();
  }
  return { name, verifications, runs };
}
