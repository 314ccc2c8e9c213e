/** What is compared over what: links, load and cells, as data. */

import { wanErrors } from "../errors.ts";
import type { ConnectionPolicy } from "../face/connection-policy.ts";
import { type CallerName, isCallable, type ProtocolName } from "../face/open-caller.ts";
import type { TlsMode } from "../face/tls-files.ts";
import { jitterReach } from "../link/delay-law.ts";
import type { DirectionSpec } from "../link/direction.ts";
import type { LinkSpec } from "../link/emulated-link.ts";

/** One way to ask: a row of the table. */
export interface Cell {
  readonly by: CallerName;
  readonly protocol: ProtocolName;
  readonly policy: ConnectionPolicy;
  /** Of both ends: "bbr", "cubic" or "reno". */
  readonly congestion: string;
  /** After which a call without an answer is sent once more, ms; null: is not. */
  readonly hedgeMs: number | null;
  /** Cold: a connection that was idle begins slowly again, which is the kernel's default. */
  readonly connections: "cold" | "warm";
  readonly tls: TlsMode;
  /** Of the tensor, each way; null: as the scenario's load has it. */
  readonly bytes: number | null;
}

export interface ScenarioLink {
  /** "San Jose - Singapore": the client's end first. */
  readonly name: string;
  readonly spec: LinkSpec;
}

export interface Scenario {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** Measured one after another. */
  readonly links: readonly ScenarioLink[];
  readonly load: {
    readonly law: "constant" | "poisson";
    readonly perSecond: number;
    /** Of the tensor, each way. */
    readonly bytes: number;
    readonly deadlineMs: number;
  };
  readonly cells: readonly Cell[];
}

/** @throws SCENARIO_INVALID with the first thing that is wrong */
export function assertScenario({ name, links, load, cells }: Scenario): void {
  const refuse = (what: string) => {
    throw wanErrors.error("SCENARIO_INVALID", `The scenario "${name}" ${what}.`);
  };
  if (links.length === 0 || cells.length === 0) refuse("needs a link and a cell at least");
  if (!(load.perSecond > 0) || !(load.bytes >= 4) || !(load.deadlineMs > 0))
    refuse("needs a rate, four bytes at least and a deadline, all above 0");
  for (const { by, protocol, policy, bytes, hedgeMs } of cells) {
    if (!isCallable(protocol, policy.http, by))
      refuse(`asks for ${protocol} over HTTP/${policy.http}, which no client here speaks`);
    if (hedgeMs !== null && by !== "client")
      refuse("has a cell that is sent twice, which @cupel/client alone does");
    if (!(policy.connections >= 1)) refuse("has a cell without a connection");
    if (bytes !== null && !(bytes >= 4)) refuse("has a cell of less than four bytes");
  }
  for (const link of links) {
    for (const way of [link.spec.toFar, link.spec.toNear]) {
      const wrong = wrongDirection(way);
      if (wrong !== null) refuse(`has a link, ${link.name}, ${wrong}`);
    }
  }
}

/** The same, of links that lose nothing by themselves; a full queue drops still. */
export function withoutLoss(scenario: Scenario): Scenario {
  const whole = (way: DirectionSpec): DirectionSpec => ({ ...way, loss: { kind: "none" } });
  return {
    ...scenario,
    links: scenario.links.map(({ name, spec }) => ({
      name,
      spec: { toFar: whole(spec.toFar), toNear: whole(spec.toNear) },
    })),
  };
}

/** Null: nothing is wrong. */
function wrongDirection({ delay, loss, rate, queueBytes }: DirectionSpec): string | null {
  const shares =
    loss.kind === "none"
      ? []
      : loss.kind === "independent"
        ? [loss.share]
        : [loss.goodToBad, loss.badToGood, loss.lossInGood, loss.lossInBad];
  if (!(delay.jitterMs >= 0) || !(delay.delayMs - jitterReach(delay) >= 0))
    return "whose delay less its jitter is below 0";
  if (shares.some((share) => !(share >= 0 && share <= 1))) return "with a share that is not from 0 to 1";
  if (loss.kind === "bursts" && loss.goodToBad + loss.badToGood === 0)
    return "whose loss never changes its state";
  if (rate !== null && !(rate > 0)) return "with a rate that is not above 0";
  if (queueBytes !== null && !(queueBytes >= 1500))
    return "whose queue does not hold a packet of 1,500 bytes";
  return null;
}
