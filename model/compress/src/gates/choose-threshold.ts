/**
 * Chooses the margins from which images go past blocks. All gates are opened together, each by the same share of the images that it was trained
 * on. What that loses and saves is measured with the very network, all gates in it, on images that trained none. Thresholds are fixed
 * before those are seen and tried from the highest on; the first whose bound is too large ends it (as for exits: Angelopoulos
 * et al. 2021, "Learn then Test", with a fixed sequence).
 */
import { silentProgress, throwIfCancelled, type WorkOptions } from "@cupel/base";
import { encodeModel, type Model } from "@cupel/onnx";
import type { GatesReport } from "@cupel/report";
import { type InputForms, measureLatency, type openSession } from "@cupel/runtime";
import type { ImageSource } from "@cupel/vision";
import { type LookOptions, lookAt } from "../branch/branch-features.ts";
import { upperShareOf } from "../branch/loss-bound.ts";
import { rightOf } from "./train-gates.ts";
import { type Gate, wireGates } from "./wire-gates.ts";

export interface ChosenGates {
  readonly gates: readonly Gate[];
  readonly point: GatePoint;
  readonly points: readonly GatePoint[];
  readonly times: GateTimes;
  /** Images that it was chosen by. */
  readonly images: number;
  /** Whether they make an image faster on average here; gates that do not are told, and not written. */
  readonly areWritten: boolean;
}

export type GatePoint = Omit<GatesReport["chosen"], "averageMs">;
export type GateTimes = GatesReport["times"];

/** Of the bound. */
export const gatesRisk = 0.05;
/** Of each gate; each lets as many more past. */
const steps = 20;

/** From the highest on, for each gate one: above it are as many as above the others'. @param margins of each gate, of the images that it was trained on */
export function thresholdsOf(margins: readonly Float32Array[]): number[][] {
  const sorted = margins.map((each) => each.toSorted((a, b) => b - a));
  return Array.from({ length: steps }, (_, i) =>
    sorted.map((each) => each[Math.round(((each.length - 1) * (i + 0.5)) / steps)]!),
  );
}

/** What each threshold does on images that trained nothing, the network run with it. */
export async function gatePoints(
  straight: Model,
  {
    gates,
    thresholds,
  }: { readonly gates: readonly Gate[]; readonly thresholds: readonly (readonly number[])[] },
  images: ImageSource,
  options: LookOptions,
): Promise<GatePoint[]> {
  const { signal, progress = silentProgress } = options;
  using task = progress.start("Trying thresholds", thresholds.length, "thresholds");
  const whole = await lookAt(straight, [], images, options);
  const right = rightOf(whole, whole);
  const boundOf = upperShareOf(right.length, gatesRisk);
  const points: GatePoint[] = [];
  for (const at of thresholds) {
    throwIfCancelled(signal, "Trying thresholds");
    const { model, margins } = wireGates(straight, gates, at);
    const seen = await lookAt(model, [], images, { ...options, values: margins });
    const now = rightOf(seen, whole);
    const lost = now.filter((isRight, i) => !isRight && right[i]).length;
    const past = margins.map((name, i) => shareOf(seen.features.get(name)!, (each) => each > at[i]!));
    points.push({
      thresholds: at,
      past,
      skipped: past.reduce((sum, share, i) => sum + share * gates[i]!.span.share, 0),
      right: countOf(now) / now.length,
      loss: (countOf(right) - countOf(now)) / now.length,
      bound: boundOf(lost),
    });
    task.advance();
  }
  return points;
}

/** The last point before the first whose bound is above `maxDrop`; null where it saves next to nothing. */
export function mostSkipping(points: readonly GatePoint[], maxDrop: number): GatePoint | null {
  const end = points.findIndex(({ bound }) => bound > maxDrop);
  const last = (end < 0 ? points : points.slice(0, end)).at(-1);
  return last && last.skipped >= leastSkipped ? last : null;
}

/** Share of the work: the heads and the branches cost about as much. */
const leastSkipped = 0.1;

export interface TimeGatesOptions extends WorkOptions {
  readonly threads: number;
  readonly inputs: InputForms;
  readonly open: typeof openSession | undefined;
}

const rounds = 30;
const [never, always] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

/** The network without gates, with all of them shut, and with each alone open, in turn. */
export async function timesOfGates(
  straight: Model,
  gates: readonly Gate[],
  { threads, inputs, open, signal, progress }: TimeGatesOptions,
): Promise<GateTimes> {
  const at = (open: number | null) =>
    wireGates(
      straight,
      gates,
      gates.map((_, i) => (i === open ? always : never)),
    ).model;
  const models = [straight, at(null), ...gates.map((_, i) => at(i))];
  const measured = await measureLatency(
    models.map((model, i) => ({ name: `${i}`, model: encodeModel(model), inputs })),
    { runs: rounds, threads, open, signal, progress },
  );
  const [straightMs, throughMs, ...pastMs] = measured.map(({ latency }) => latency.median);
  return { straightMs: straightMs!, throughMs: throughMs!, pastMs };
}

/** Of the images: where so many go past a gate, it has to save what it costs. */
const usualPast = 0.5;

/** Those that do; told by times alone, so that no image that chooses the threshold has a say. */
export function worthTheirTime<Each extends Gate>(gates: readonly Each[], times: GateTimes): Each[] {
  const cost = (times.throughMs - times.straightMs) / gates.length;
  return gates.filter((_, i) => usualPast * (times.throughMs - times.pastMs[i]!) > cost);
}

/** What going past each saves, as often as images do. */
export function averageMsOf({ past }: GatePoint, { throughMs, pastMs }: GateTimes): number {
  return past.reduce((sum, share, i) => sum - share * (throughMs - pastMs[i]!), throughMs);
}

export function gatesReport(chosen: ChosenGates | null): GatesReport | null {
  if (chosen === null) return null;
  const { gates, point, points, times, images, areWritten } = chosen;
  const timed = (each: GatePoint) => ({ ...each, averageMs: averageMsOf(each, times) });
  return {
    spans: gates.map(({ span: { from, to, share } }) => ({ from: from.name, to, work: share })),
    written: areWritten,
    images,
    risk: gatesRisk,
    times,
    curve: points.map(timed),
    chosen: timed(point),
  };
}

const countOf = (flags: readonly boolean[]): number => flags.filter(Boolean).length;

function shareOf(values: Float32Array, holds: (value: number) => boolean): number {
  return values.reduce((count, value) => count + Number(holds(value)), 0) / values.length;
}
