/** What `cupel bench protocols --json` prints, whole: from it alone the text and the page are made. Pure. */
import type { LinkKind } from "../link/measured-link.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { LinkCapacity } from "./capacity.ts";
import type { Environment } from "./environment.ts";
import { hedgingTable, type LinkHedging } from "./hedging.ts";
import type { PlanOptions } from "./plan.ts";
import type { RateSearch } from "./rate-search.ts";
import { type LinkReport, reportLink } from "./report-link.ts";
import type { ComparedLink } from "./run-comparison.ts";

/** Times in ms, rates in requests a second. In JSON a bound of an interval is null where there is none: of fewer than six runs. */
export interface ComparisonReport {
  /** "delay-only": without loss, rate, queue and congestion control, and no figure of an ocean. */
  readonly link: LinkKind;
  /** With the rate and the cells that were run. */
  readonly scenario: Scenario;
  readonly plan: PlanOptions;
  readonly environment: Environment;
  /** How the rate of the load was found: the highest that the machine carries. Null: it was given. */
  readonly rate: RateSearch | null;
  /** In the order of the scenario's. */
  readonly links: readonly LinkReport[];
  /** Of each link, which load each policy carries; null: was not asked. */
  readonly capacity: readonly LinkCapacity[] | null;
  /** Of each link, P99 against extra sends; null: was not asked. */
  readonly hedging: readonly LinkHedging[] | null;
}

export interface Measured {
  readonly link: LinkKind;
  readonly scenario: Scenario;
  readonly plan: PlanOptions;
  readonly environment: Environment;
  readonly rate: RateSearch | null;
  readonly compared: readonly ComparedLink[];
  readonly capacity: readonly LinkCapacity[] | null;
  /** Whether the cells are those of hedging. */
  readonly isHedging: boolean;
}

export function reportOf({ compared, isHedging, ...measured }: Measured): ComparisonReport {
  const { scenario } = measured;
  const links = compared.map((link) => reportLink(link, scenario.cells));
  return {
    ...measured,
    links,
    hedging: isHedging ? links.map(({ cells }, i) => hedgingTable(scenario.links[i]!, cells)) : null,
  };
}
