/**
 * Whether a link is what was asked for: the delay, the jitter and the loss of each way by probes, held to the laws. A
 * comparison over a link that is off says nothing, so it is refused. Pure but for the measuring.
 */
import { quantile } from "@cupel/base";
import { wanErrors } from "../errors.ts";
import { jitterDeviation } from "./delay-law.ts";
import type { DirectionSpec } from "./direction.ts";
import type { EmulatedLink, LinkSpec } from "./emulated-link.ts";
import { lossShare, lossVarianceFactor } from "./loss.ts";
import { type ProbeOptions, type Probes, probeLink } from "./probe-link.ts";

export interface MeasuredDirection {
  /** Median, ms. */
  readonly delayMs: number;
  readonly askedDelayMs: number;
  /** Standard deviation without the slowest and fastest hundredth, ms. */
  readonly jitterMs: number;
  readonly askedJitterMs: number;
  readonly loss: number;
  readonly askedLoss: number;
}

export interface LinkVerification {
  readonly probes: number;
  readonly roundTripMs: { readonly p50: number; readonly p99: number };
  readonly toFar: MeasuredDirection;
  readonly toNear: MeasuredDirection;
  /** What is off, a sentence each; empty: the link is as asked. */
  readonly off: readonly string[];
}

/** Of the median delay, ms. */
export const delayTolerance = 2;
/** Of the jitter: a share of it, and ms that waking up costs. */
export const jitterTolerance = { share: 0.1, ms: 0.5 };
/** Of the loss, in standard deviations of what is counted: one in 16,000 is off by chance. */
const lossTolerance = 4;

export const probeDefaults = { count: 2_000, stepMs: 2 } as const;

/** @throws LOAD_FAILED, LINK_FAILED */
export async function measureLink(
  link: EmulatedLink,
  spec: LinkSpec,
  options: Partial<ProbeOptions> = {},
): Promise<LinkVerification> {
  return judgeLink(await probeLink(link, spec, { ...probeDefaults, ...options }), spec);
}

/** @throws LINK_OFF where the link is not what was asked for */
export async function verifyLink(
  link: EmulatedLink,
  spec: LinkSpec,
  options: Partial<ProbeOptions> = {},
): Promise<LinkVerification> {
  return refuseOff(await measureLink(link, spec, options));
}

/** @returns what it is given. @throws LINK_OFF */
export function refuseOff<Found extends Pick<LinkVerification, "off">>(verification: Found): Found {
  if (verification.off.length === 0) return verification;
  throw wanErrors.error(
    "LINK_OFF",
    `The link is not what was asked for: ${verification.off.join(" ")} Free the machine of other work, and measure again.`,
    { details: { verification } },
  );
}

export function judgeLink(
  { sent, received, answered, toFar, toNear }: Probes,
  spec: LinkSpec,
): LinkVerification {
  const ways = {
    toFar: measured(toFar, 1 - received / sent, spec.toFar),
    toNear: measured(toNear, received === 0 ? 1 : 1 - answered / received, spec.toNear),
  };
  const roundTrips = Float64Array.from(toFar, (each, i) => each + (toNear[i] ?? 0)).sort();
  return {
    probes: sent,
    roundTripMs: { p50: quantile(roundTrips, 0.5), p99: quantile(roundTrips, 0.99) },
    ...ways,
    off: [
      ...offOf("to the far end", ways.toFar, sent, spec.toFar),
      ...offOf("to the near end", ways.toNear, received, spec.toNear),
    ],
  };
}

function measured(
  delays: readonly number[],
  loss: number,
  { delay, loss: law }: DirectionSpec,
): MeasuredDirection {
  const sorted = Float64Array.from(delays).sort();
  return {
    delayMs: quantile(sorted, 0.5),
    askedDelayMs: delay.delayMs,
    jitterMs: deviation(sorted.subarray(Math.ceil(sorted.length / 100), Math.floor(sorted.length * 0.99))),
    askedJitterMs: jitterDeviation(delay),
    loss,
    askedLoss: lossShare(law),
  };
}

/** Not a number counts as off: a link that answers nothing has no delay. */
function offOf(
  way: string,
  found: MeasuredDirection,
  probes: number,
  { loss }: DirectionSpec,
): readonly string[] {
  const strayed = Math.sqrt(
    (found.askedLoss * (1 - found.askedLoss) * lossVarianceFactor(loss)) / Math.max(1, probes),
  );
  const rows = [
    { what: "the delay", unit: " ms", is: found.delayMs, asked: found.askedDelayMs, within: delayTolerance },
    {
      what: "the jitter",
      unit: " ms",
      is: found.jitterMs,
      asked: found.askedJitterMs,
      within: jitterTolerance.share * found.askedJitterMs + jitterTolerance.ms,
    },
    {
      what: "the loss",
      unit: " %",
      is: 100 * found.loss,
      asked: 100 * found.askedLoss,
      // One probe more or less is chance too.
      within: 100 * (lossTolerance * strayed + 1 / Math.max(1, probes)),
    },
  ];
  return rows
    .filter(({ is, asked, within }) => !(Math.abs(is - asked) <= within))
    .map(
      ({ what, unit, is, asked, within }) =>
        `${way}, ${what} is ${is.toFixed(2)}${unit} and not ${asked.toFixed(2)} (within ${within.toFixed(2)}).`,
    );
}

export function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
  return Math.sqrt(values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / values.length);
}
