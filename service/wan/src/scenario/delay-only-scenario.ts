/**
 * What is left of a scenario where only delay is added: no loss, no rate, no queue, and nothing that differs by congestion
 * control or by slow start, which never happen there. Pure.
 */
import { delayAlone } from "../link/tcp-delay.ts";
import type { Cell, Scenario } from "./scenario.ts";

/** Of cells that were run without an emulated link. */
export const noCongestion = "not emulated";

export interface DelayOnlyScenario {
  readonly scenario: Scenario;
  /** Cells that are no others than ones before them there. */
  readonly leftOut: number;
}

export function delayOnlyScenario(scenario: Scenario): DelayOnlyScenario {
  const cells = new Map<string, Cell>();
  for (const cell of scenario.cells) {
    const left: Cell = { ...cell, congestion: noCongestion, connections: "cold" };
    const key = JSON.stringify(Object.entries(left).sort(([a], [b]) => (a < b ? -1 : 1)));
    if (!cells.has(key)) cells.set(key, left);
  }
  return {
    scenario: {
      ...scenario,
      summary: `Of this the delay alone: ${scenario.summary}`,
      links: scenario.links.map(({ name, spec }) => ({
        name,
        spec: { toFar: delayAlone(spec.toFar), toNear: delayAlone(spec.toNear) },
      })),
      cells: [...cells.values()],
    },
    leftOut: scenario.cells.length - cells.size,
  };
}
