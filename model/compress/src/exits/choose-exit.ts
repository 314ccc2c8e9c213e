/**
 * Chooses where images leave: a head is trained at each of a few places, and of these, on images that trained none, the place
 * and threshold are taken that save most within a loss, or that lose least at a speed. For a loss, what is saved is counted in
 * multiply-accumulates, so that the choice is the same on every machine; a speed is one of this machine.
 */
import { throwIfCancelled, type WorkOptions } from "@cupel/base";
import { encodeModel, type Model } from "@cupel/onnx";
import { endsInSoftmax, softmaxAt } from "@cupel/predict";
import type { EarlyExitReport } from "@cupel/report";
import { type InputForms, measureLatency, type openSession } from "@cupel/runtime";
import type { SeenImages } from "../branch/branch-features.ts";
import { type BranchHead, largestAt, scoresOf, trainHead } from "../branch/branch-head.ts";
import type { CutPoint } from "../branch/cut-points.ts";
import {
  type ExitPoint,
  exitPoints,
  fewestFrom,
  type JudgedImage,
  mostWithin,
  spreadPoints,
} from "./exit-curve.ts";
import { type Exit, wireExit } from "./wire-exit.ts";

export interface ChosenExit extends Exit {
  readonly point: ExitPoint;
  /** All points of the place, on the selection images. */
  readonly points: readonly ExitPoint[];
  readonly times: ExitTimes;
  /** Images that it was chosen by. */
  readonly images: number;
}

export type ExitTimes = EarlyExitReport["times"];

/** Points of a curve that a report has. */
const curveSteps = 20;

export function exitReport(exit: ChosenExit | null): EarlyExitReport | null {
  if (exit === null) return null;
  const { place, point, points, times, images } = exit;
  const timed = (each: ExitPoint) => ({ ...each, averageMs: averageMs(each, times) });
  return {
    after: place.name,
    work: place.share,
    threshold: exit.threshold,
    images,
    risk: totalRisk,
    times,
    curve: spreadPoints(points, curveSteps).map(timed),
    chosen: timed(point),
  };
}

/** Of the share of images that leave and the time of either way. */
export function averageMs({ leaving }: ExitPoint, { leavingMs, stayingMs }: ExitTimes): number {
  return leaving * leavingMs + (1 - leaving) * stayingMs;
}

export interface TrainedPlace {
  readonly place: CutPoint;
  readonly head: BranchHead;
  /** On the selection images. */
  readonly points: readonly ExitPoint[];
}

export interface TrainedExit extends TrainedPlace {
  readonly point: ExitPoint;
}

export interface TrainExitsOptions extends WorkOptions {
  readonly seed: number;
}

/** Of all bounds together; of several places each has an equal part of it (Bonferroni). */
export const totalRisk = 0.05;

/** @param straight the network, whose scores are in `training` and `selection`. @param selection images that train nothing */
export async function trainExits(
  straight: Model,
  places: readonly CutPoint[],
  { training, selection }: { readonly training: SeenImages; readonly selection: SeenImages },
  { seed, signal, progress }: TrainExitsOptions,
): Promise<TrainedPlace[]> {
  const areProbabilities = endsInSoftmax(straight);
  using task = progress?.start("Training exits", places.length, "places");
  const trained: TrainedPlace[] = [];
  for (const place of places) {
    throwIfCancelled(signal, "Training exits");
    const head = await trainHead(training, place.name, { seed, areProbabilities, signal });
    const points = exitPoints(judged(selection, head, place.name), totalRisk / places.length);
    trained.push({ place, head, points });
    task?.advance();
  }
  return trained;
}

/** Share of the work that an exit has to save: its head, the branch and what is copied there cost about half of it. */
const leastSaved = 0.1;

/** What saves most within a bound of `maxDrop` on the loss; null where nothing saves enough. */
export function mostSaving(trained: readonly TrainedPlace[], maxDrop: number): TrainedExit | null {
  return best(
    trained.map((each) => withPoint(each, mostWithin(each.points, maxDrop))),
    ({ place, point }) => Math.max(0, point.leaving * (1 - place.share) - leastSaved),
  );
}

export interface TimedPlace extends TrainedPlace {
  readonly times: ExitTimes;
}

/**
 * What loses least of that which is `minSpeed` times as fast as the straight network, by its bound; null where nothing is
 * within `maxDrop`.
 */
export function leastLosing(
  timed: readonly TimedPlace[],
  { minSpeed, maxDrop }: { readonly minSpeed: number; readonly maxDrop: number },
): TrainedExit | null {
  return best(
    timed.map((each) => {
      const { leavingMs, stayingMs, straightMs } = each.times;
      const wanted = (stayingMs - straightMs / minSpeed) / (stayingMs - leavingMs);
      const point = leavingMs < stayingMs ? fewestFrom(each.points, wanted) : null;
      return withPoint(each, point && point.bound <= maxDrop ? point : null);
    }),
    ({ point }) => 1.1 - point.bound,
  );
}

function withPoint(trained: TrainedPlace, point: ExitPoint | null): TrainedExit | null {
  return point && { ...trained, point };
}

/** The first of the largest above 0. */
function best(
  found: readonly (TrainedExit | null)[],
  worth: (exit: TrainedExit) => number,
): TrainedExit | null {
  let chosen: TrainedExit | null = null;
  for (const each of found) {
    if (each && worth(each) > (chosen ? worth(chosen) : 0)) chosen = each;
  }
  return chosen;
}

function judged(seen: SeenImages, head: BranchHead, name: string): JudgedImage[] {
  const { classes, scores, labels } = seen;
  const early = scoresOf(head, seen.features.get(name)!);
  return labels.map((label, i) => {
    const row = early.subarray(i * classes, (i + 1) * classes);
    const answer = largestAt(row);
    const whole = largestAt(scores.subarray(i * classes, (i + 1) * classes));
    const truth = label ?? whole;
    return {
      confidence: softmaxAt(row, answer),
      exitIsRight: answer === truth,
      wholeIsRight: whole === truth,
    };
  });
}

export interface TimeOptions extends WorkOptions {
  readonly threads: number;
  readonly inputs: InputForms;
  readonly open: typeof openSession | undefined;
}

/** Rounds that count. */
const rounds = 30;
/** No probability is above the one or below the other. */
const [never, always] = [2, -1];

/** Both ways and the straight network, in turn. */
export async function timesOf(
  straight: Model,
  exit: Omit<Exit, "threshold">,
  { threads, inputs, open, signal, progress }: TimeOptions,
): Promise<ExitTimes> {
  const at = (threshold: number) => encodeModel(wireExit(straight, { ...exit, threshold }));
  const measured = await measureLatency(
    [
      { name: "leaving", model: at(always), inputs },
      { name: "staying", model: at(never), inputs },
      { name: "straight", model: encodeModel(straight), inputs },
    ],
    { runs: rounds, threads, open, signal, progress },
  );
  const [leavingMs, stayingMs, straightMs] = measured.map(({ latency }) => latency.median);
  return { leavingMs: leavingMs!, stayingMs: stayingMs!, straightMs: straightMs! };
}
