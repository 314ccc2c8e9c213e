/**
 * The search for widths under a target of bytes, of time or of accuracy: curves of harm and costs by width make a path of narrower
 * and narrower networks (`choose-widths`), and networks on it are measured. Size and time of one are those of its twin, whose
 * weights mean nothing; what it loses on held-out images is that of the very network, as it is pruned, compensated and, where bits
 * are given, rounded. Evaluation images are never looked at.
 */
import { silentProgress, throwIfCancelled } from "@cupel/base";
import { cloneModel, type Model } from "@cupel/onnx";
import type { Evaluation } from "@cupel/predict";
import { compressErrors } from "../errors.ts";
import { measureTable } from "../latency/measure-table.ts";
import { integerNodes } from "../latency/stage-form.ts";
import { type LatencyLimit, latencyLimit, stageOf } from "../recipe/recipe.ts";
import {
  firstWithin,
  type LimitedCost,
  type PlannedWidths,
  widthPath,
  withStepsBetween,
} from "../search/choose-widths.ts";
import { onHeldOut } from "../search/held-out.ts";
import { classLoss, type Loss } from "../search/loss.ts";
import type { StageContext, State } from "../stage/stage.ts";
import type { ChannelGroups } from "./channel-groups.ts";
import { followChannels } from "./follow-channels.ts";
import { optionsOf, valueWidths } from "./group-widths.ts";
import type { PredictedCosts, SensitivityPoint } from "./pruned.ts";
import { removeChannels } from "./remove-channels.ts";
import { plannedBytes, shapeTwin } from "./shape-twin.ts";
import { bytesCost, latencyCost } from "./width-costs.ts";

export interface WidthSearch {
  /** In float, cleaned; left as it is. */
  readonly model: Model;
  readonly groups: ChannelGroups;
  /** By name of the group. */
  readonly curves: ReadonlyMap<string, readonly SensitivityPoint[]>;
  readonly multipleOf: number;
  /** The state with so many channels of each group left. */
  readonly prune: (kept: readonly number[]) => Promise<State>;
}

export interface FoundWidths {
  readonly state: State;
  readonly predicted: PredictedCosts;
  /** Of the model before, on held-out images; null where no drop is asked for. */
  readonly reference: Evaluation | null;
}

/** Twins that are timed: each tells how far the table is off. */
const mostTimings = 10;
/** A time within this share of the limit is near enough. */
const timeSlack = 0.03;
const mostSizings = 10;
const sizeSlack = 0.002;
/** Points of the path that a drop is looked for among. */
const dropPoints = 12;
/** Where bits are searched for too, this share of the drop is for pruning. */
const dropShareBesideBits = 0.5;

/** @throws BUDGET_UNREACHABLE, LATENCY_UNKNOWN, and what evaluation and sessions throw */
export async function searchWidths(search: WidthSearch, context: StageContext): Promise<FoundWidths> {
  using task = (context.progress ?? silentProgress).start("Searching widths", undefined, "networks");
  const { target } = context.recipe;
  const limit = latencyLimit(target);
  const costs = await costsOf(search, limit, context);
  const { groups } = search.groups;
  const widths = groups.map((group) =>
    optionsOf(group, search.curves.get(group.name) ?? [], search.multipleOf),
  );
  const path = withStepsBetween(widthPath(widths, costs.all), widths, costs.all);
  const told = (what: string) => {
    throwIfCancelled(context.signal, "Searching widths");
    task.note(what);
    task.advance();
  };
  const predictedOf = (cost: number) => path.map((point) => point.costs[cost]!);

  let first = 0;
  if (limit && costs.latency !== null) {
    const predicted = predictedOf(costs.latency);
    const measure = async (at: number) => {
      const time = at === 0 ? costs.whole! : await timeOf(twinAt(search, path[at]!, context), limit, context);
      told(`${share(path[at]!, groups)} of the channels: ${timeText(time, limit)}`);
      return time;
    };
    const found = await firstWithin(predicted, limit.limit, measure, {
      rounds: mostTimings,
      slack: timeSlack,
    });
    if (found === null)
      throw unreachable(
        "time",
        timeText(limit.limit, limit),
        timeText(await measure(path.length - 1), limit),
      );
    first = found.at;
  }
  if (target.maxBytes !== null && costs.bytes !== null) {
    const measure = async (at: number) => {
      const bytes = context.bytesOf(twinAt(search, path[at]!, context));
      told(`${share(path[at]!, groups)} of the channels: ${bytes} bytes`);
      return bytes;
    };
    const found = await firstWithin(predictedOf(costs.bytes), target.maxBytes, measure, {
      rounds: mostSizings,
      slack: sizeSlack,
    });
    if (found === null)
      throw unreachable("size", `${target.maxBytes} bytes`, `${await measure(path.length - 1)} bytes`);
    first = Math.max(first, found.at);
  }
  const chosen = await bestFrom(first, path, search, context, told);
  const point = path[chosen.at]!;
  return {
    state: chosen.state,
    reference: chosen.reference,
    predicted: {
      bytes: costs.bytes === null ? null : Math.round(point.costs[costs.bytes]!),
      latency:
        limit && costs.latency !== null
          ? (costs.whole! * point.costs[costs.latency]!) / path[0]!.costs[costs.latency]!
          : null,
      drop: chosen.loss?.loss ?? null,
    },
  };
}

interface Costs {
  readonly all: readonly LimitedCost[];
  /** Places in `all`; null where it is none of them. */
  readonly latency: number | null;
  readonly bytes: number | null;
  /** Time of the twin of the whole network, in the unit of the limit; null without one. */
  readonly whole: number | null;
}

/** Time where there is a limit to it; bytes where there is one, and where nothing else is to become less. */
async function costsOf(
  search: WidthSearch,
  limit: LatencyLimit | null,
  context: StageContext,
): Promise<Costs> {
  const { model } = search;
  const { recipe, preprocessing, stopwatch, bytesOf } = context;
  const widths = valueWidths(search.groups);
  const twin = shapeTwin(model, context);
  const all: LimitedCost[] = [];
  let whole: number | null = null;
  if (limit) {
    const quantise = stageOf(recipe, "quantise");
    const integer =
      quantise?.bits === 16 ? new Set<string>() : integerNodes(model, preprocessing, quantise?.kernels);
    const table = await measureTable(model, {
      preprocessing,
      integer,
      whole: twin,
      timer: stopwatch.layers,
      timeWhole: async (each) => (await stopwatch.networks([each]))[0]!.ms,
      signal: context.signal,
      progress: context.progress,
    });
    const cost = latencyCost(model, widths, table, { preprocessing, integer });
    whole = await timeOf(twin, limit, context);
    const predicted = cost.fixed + cost.terms.reduce((sum, { at }) => sum + at(fullOf(search)), 0);
    all.push({ ...cost, limit: (limit.limit / whole) * predicted });
  }
  const latency = limit ? 0 : null;
  if (limit && recipe.target.maxBytes === null) return { all, latency, bytes: null, whole };
  const cost = bytesCost(model, widths, (layer, rows, columns) => plannedBytes(layer, rows, columns, recipe));
  const predicted = cost.fixed + cost.terms.reduce((sum, { at }) => sum + at(fullOf(search)), 0);
  const around = bytesOf(twin) - predicted;
  all.push({
    ...cost,
    fixed: cost.fixed + around,
    limit: recipe.target.maxBytes ?? Number.POSITIVE_INFINITY,
  });
  return { all, latency, bytes: all.length - 1, whole };
}

const fullOf = ({ groups: { groups } }: WidthSearch): number[] =>
  groups.map(({ channels }) => channels.length);

/** The network of a point, without the weights it will have. */
function twinAt({ model, groups }: WidthSearch, { kept }: PlannedWidths, context: StageContext): Model {
  const copy = cloneModel(model);
  const removed = new Set(groups.groups.flatMap(({ channels }, i) => channels.slice(kept[i])));
  if (removed.size > 0) removeChannels(copy, followChannels(copy), removed);
  return shapeTwin(copy, context);
}

/** In the unit of the limit: a share is of the original, timed in turn with the model. */
export async function timeOf(
  model: Model,
  { unit }: LatencyLimit,
  { original, stopwatch }: StageContext,
): Promise<number> {
  if (unit === "ms") return (await stopwatch.networks([model]))[0]!.ms;
  return (await stopwatch.networks([original, model]))[1]!.share;
}

interface Judged {
  readonly at: number;
  readonly state: State;
  readonly loss: Loss | null;
  /** Of the file; null where bits are still to be chosen. */
  readonly bytes: number | null;
}

/**
 * From the first point that is small and fast enough the narrowest that keeps to the drop. Where no drop is asked for it is that
 * first one, or a later one where the file turns out larger than its twin.
 */
async function bestFrom(
  first: number,
  path: readonly PlannedWidths[],
  search: WidthSearch,
  context: StageContext,
  told: (what: string) => void,
): Promise<Judged & { readonly reference: Evaluation | null }> {
  const { recipe, finish, bytesOf } = context;
  const { maxBytes, maxDrop } = recipe.target;
  const leavesBits = stageOf(recipe, "quantise")?.bits === "mixed";
  const evaluated = onHeldOut(search.model, context);
  const reference = maxDrop === null ? null : await evaluated(search.model);
  const isJudged = maxDrop !== null || (maxBytes !== null && !leavesBits);
  const judge = async (at: number): Promise<Judged> => {
    const state = await search.prune(path[at]!.kept);
    if (!isJudged) return { at, state, loss: null, bytes: null };
    const model = leavesBits ? state.model : await finish(state);
    const loss = reference && classLoss(reference, await evaluated(model));
    told(`${share(path[at]!, search.groups.groups)} of the channels${loss ? `: ${points(loss.loss)}` : ""}`);
    return { at, state, loss, bytes: leavesBits ? null : bytesOf(model) };
  };
  let chosen = await judge(first);
  while (maxBytes !== null && chosen.bytes !== null && chosen.bytes > maxBytes) {
    const { at } = chosen;
    if (at === path.length - 1) throw unreachable("size", `${maxBytes} bytes`, `${chosen.bytes} bytes`);
    const wanted = path[at]!.costs.at(-1)! - (chosen.bytes - maxBytes);
    const next = path.findIndex((point, i) => i > at && point.costs.at(-1)! <= wanted);
    chosen = await judge(next < 0 ? path.length - 1 : next);
  }
  if (maxDrop === null) return { ...chosen, reference };
  // Beside a search for bits a time is all that channels go for: the drop is left to the bits.
  if (leavesBits && recipe.target.maxLatency !== null) return { ...chosen, reference };
  const allowed = maxDrop * (leavesBits ? dropShareBesideBits : 1);
  if (chosen.loss!.cautious > allowed) {
    if (leavesBits) return { ...chosen, reference };
    throw tooLossy(maxDrop, chosen.loss!, share(path[chosen.at]!, search.groups.groups));
  }
  // Loss grows along the path, give or take the noise of the images: bisect for the last that holds.
  const candidates = evenly(path, chosen.at);
  let [low, high] = [0, candidates.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const judged = await judge(candidates[middle]!);
    if (judged.loss!.cautious <= allowed) [low, chosen] = [middle, judged];
    else high = middle - 1;
  }
  return { ...chosen, reference };
}

/** Points from one to the last, evenly spaced in what is to become less. */
function evenly(path: readonly PlannedWidths[], from: number): number[] {
  const cost = (at: number) => path[at]!.costs[0]!;
  const step = (cost(from) - cost(path.length - 1)) / dropPoints;
  const found = Array.from({ length: dropPoints + 1 }, (_, i) =>
    path.findIndex((_, at) => at >= from && cost(at) <= cost(from) - i * step * (1 - 1e-9)),
  );
  return [...new Set(found.filter((at) => at >= 0))];
}

function share({ kept }: PlannedWidths, groups: ChannelGroups["groups"]): string {
  const all = groups.reduce((sum, { channels }) => sum + channels.length, 0);
  return `${((100 * kept.reduce((sum, each) => sum + each, 0)) / all).toFixed(0)} %`;
}

function timeText(time: number, { unit }: LatencyLimit): string {
  return unit === "ms"
    ? `${time.toPrecision(3)} ms`
    : `${(100 * time).toPrecision(3)} % of the original's time`;
}

const points = (fraction: number): string => `${(100 * fraction).toFixed(2)} points`;

function unreachable(what: string, wanted: string, least: string) {
  return compressErrors.error(
    "BUDGET_UNREACHABLE",
    `Pruning does not come down to a ${what} of ${wanted}: with a quarter of the channels of every group the network has ${least}. Allow more, or fewer bits.`,
    { details: { wanted, least } },
  );
}

function tooLossy(maxDrop: number, { loss, cautious }: Loss, left: string) {
  return compressErrors.error(
    "BUDGET_UNREACHABLE",
    `With ${left} of the channels, the most that the target allows, ${points(loss)} are lost on the held-out images (${points(cautious)} with one ` +
      `standard error), more than the ${points(maxDrop)} allowed. Allow a larger drop, more bytes or more time, or give more calibration images.`,
    { details: { maxDrop, loss, cautious } },
  );
}
