/**
 * Chooses where images leave: a head is trained at each of a few places, and the place and threshold are taken that cost
 * least on selection images within the drop allowed. Costs are multiply-accumulates there, so that the choice is the same
 * on every machine; times are measured of what was chosen, and are data only.
 */
import { throwIfCancelled, type WorkOptions } from "@cupel/base";
import { encodeModel, type Model } from "@cupel/onnx";
import { endsInSoftmax, softmaxAt } from "@cupel/predict";
import { type InputForms, measureLatency, type openSession } from "@cupel/runtime";
import type { CutPoint } from "./cut-points.ts";
import {
  choosePointWithin,
  type ExitPoint,
  exitPoints,
  type JudgedImage,
  spreadPoints,
} from "./exit-curve.ts";
import type { SeenImages } from "./exit-features.ts";
import { type ExitHead, largestAt, scoresOf, trainHead } from "./exit-head.ts";
import { type Exit, wireExit } from "./wire-exit.ts";

export interface ChosenExit extends Exit {
  readonly point: ExitPoint;
  /** All points of the place, on the selection images. */
  readonly points: readonly ExitPoint[];
  readonly times: ExitTimes;
}

/** Milliseconds of one image, medians. */
export interface ExitTimes {
  /** For an image that leaves. */
  readonly leavingMs: number;
  /** For one that stays to the end. */
  readonly stayingMs: number;
  /** Of the same network without an exit. */
  readonly straightMs: number;
}

/** As `CompressResult` tells it. */
export interface ExitReport {
  /** The value that the exit reads, by its name in the model before rounding. */
  readonly after: string;
  /** Share of the network's multiply-accumulates before the exit. */
  readonly work: number;
  readonly threshold: number;
  readonly times: ExitTimes;
  /** On selection images, from no image that leaves to all. */
  readonly curve: readonly (ExitPoint & { readonly averageMs: number })[];
  /** That of the threshold. */
  readonly chosen: ExitPoint & { readonly averageMs: number };
}

/** Points of a curve that a report has. */
const curveSteps = 20;

export function exitReport(exit: ChosenExit | null): ExitReport | null {
  if (exit === null) return null;
  const { place, point, points, times } = exit;
  const timed = (each: ExitPoint) => ({ ...each, averageMs: averageMs(each, times) });
  return {
    after: place.name,
    work: place.share,
    threshold: exit.threshold,
    times,
    curve: spreadPoints(points, curveSteps).map(timed),
    chosen: timed(point),
  };
}

/** Of the share of images that leave and the time of either way. */
export function averageMs({ leaving }: ExitPoint, { leavingMs, stayingMs }: ExitTimes): number {
  return leaving * leavingMs + (1 - leaving) * stayingMs;
}

export interface TrainedExit {
  readonly place: CutPoint;
  readonly head: ExitHead;
  readonly point: ExitPoint;
  readonly points: readonly ExitPoint[];
}

export interface ChooseOptions extends WorkOptions {
  readonly maxDrop: number;
  readonly seed: number;
  readonly threads: number;
}

/**
 * @param straight the network, whose scores are in `training` and `selection`. @param selection images that train nothing
 * @returns null where no place lets an image leave within the drop
 */
export async function chooseExit(
  straight: Model,
  places: readonly CutPoint[],
  { training, selection }: { readonly training: SeenImages; readonly selection: SeenImages },
  { maxDrop, seed, threads, signal, progress }: ChooseOptions,
): Promise<TrainedExit | null> {
  const areProbabilities = endsInSoftmax(straight);
  using task = progress?.start("Training exits", places.length, "places");
  let best: TrainedExit | null = null;
  for (const place of places) {
    throwIfCancelled(signal, "Training exits");
    const head = await trainHead(training, place.name, { seed, threads, areProbabilities, signal });
    const points = exitPoints(judged(selection, head, place.name));
    const point = choosePointWithin(points, maxDrop);
    const found = point && { place, head, point, points };
    if (found && workOf(found) < (best ? workOf(best) : 1)) best = found;
    task?.advance();
  }
  return best;
}

/** Mean share of the network's work an image. */
function workOf({ place, point }: Pick<TrainedExit, "place" | "point">): number {
  return 1 - point.leaving * (1 - place.share);
}

function judged(seen: SeenImages, head: ExitHead, name: string): JudgedImage[] {
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
