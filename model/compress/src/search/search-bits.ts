/**
 * The search for bit widths under a target. It sees held-out calibration images only; evaluation
 * images are for the final figure.
 *
 * Sensitivities rank the layers, the ranking makes a path of ever smaller plans, and plans on the path are
 * built and run as they would be shipped: as many as a bisection needs, plus a few along the way so that
 * the whole trade-off can be drawn.
 */
import { type Progress, silentProgress } from "@cupel/base";
import type { Evaluation } from "@cupel/predict";
import type { TradeOffPoint } from "@cupel/report";
import { compressErrors } from "../errors.ts";
import type { SizeTarget } from "../recipe/recipe.ts";
import { filledUp, type Plan, type PlannedSize } from "./allocate-bits.ts";
import { classLoss, type Loss } from "./loss.ts";

export interface Candidate {
  /** Of the file as it would be written. */
  readonly bytes: number;
  evaluate(): Promise<Evaluation>;
}

export interface SearchOptions {
  readonly target: SizeTarget;
  /** The float model on the held-out images. */
  readonly reference: Evaluation;
  build(plan: Plan): Candidate;
  readonly progress?: Progress | undefined;
}

export interface SearchResult {
  readonly plan: Plan;
  readonly tradeOff: readonly TradeOffPoint[];
}

/** Plans run to show the curve, evenly spaced in bytes. */
const curvePoints = 5;

interface Measured extends Loss {
  readonly at: number;
  readonly bytes: number;
}

/** @throws BUDGET_UNREACHABLE */
export async function searchBits(
  hull: readonly PlannedSize[],
  options: SearchOptions,
): Promise<SearchResult> {
  const { target } = options;
  const { path, first, isFilled } =
    target.maxBytes === null
      ? { path: hull, first: 0, isFilled: false }
      : within(hull, target.maxBytes, options.build);
  using task = (options.progress ?? silentProgress).start("Searching bit widths", undefined, "plans");
  const measured = new Map<number, Measured>();
  const measure = async (at: number): Promise<Measured> => {
    const known = measured.get(at);
    if (known) return known;
    const candidate = options.build(path[at]!.plan);
    const evaluation = await candidate.evaluate();
    const found = { at, bytes: candidate.bytes, ...classLoss(options.reference, evaluation) };
    measured.set(at, found);
    task.note(`${(found.bytes / 1e6).toFixed(2)} MB, ${(100 * found.loss).toFixed(2)} points`);
    task.advance();
    return found;
  };

  for (const at of evenlySpaced(path, curvePoints)) await measure(at);
  let chosen = await measure(first);
  if (isFilled) {
    // By prediction it loses no more than the one behind it; by measure it may.
    const next = await measure(first + 1);
    if (next.loss < chosen.loss) chosen = next;
  }
  if (target.maxDrop !== null) {
    if (chosen.cautious > target.maxDrop) throw unreachable(target, chosen);
    // Loss grows along the path, give or take the noise of the images: bisect for the last that holds.
    let low = chosen.at;
    let high = path.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((await measure(middle)).cautious <= target.maxDrop) low = middle;
      else high = middle - 1;
    }
    chosen = await measure(low);
  }
  return { plan: path[chosen.at]!.plan, tradeOff: curveOf([...measured.values()], chosen.at) };
}

/** The path, with a plan that uses up what its first that fits leaves, and the place of that one. @throws BUDGET_UNREACHABLE */
function within(hull: readonly PlannedSize[], maxBytes: number, build: (plan: Plan) => Candidate) {
  const first = firstWithin(hull, maxBytes, build);
  const filled = filledUp(hull, first, maxBytes - build(hull[first]!.plan).bytes);
  const isFilled = filled.bytes > hull[first]!.bytes && build(filled.plan).bytes <= maxBytes;
  return { path: isFilled ? hull.toSpliced(first, 0, filled) : hull, first, isFilled };
}

/** The first plan whose file fits. Files shrink along the path. @throws BUDGET_UNREACHABLE */
function firstWithin(
  path: readonly PlannedSize[],
  maxBytes: number,
  build: (plan: Plan) => Candidate,
): number {
  const smallest = build(path.at(-1)!.plan).bytes;
  if (smallest > maxBytes) {
    throw compressErrors.error(
      "BUDGET_UNREACHABLE",
      `No plan fits ${maxBytes} bytes: with every layer at its fewest bits the file has ${smallest}. ` +
        "Allow more bytes, or fewer bits in the recipe.",
      { details: { maxBytes, smallest } },
    );
  }
  let low = 0;
  let high = path.length - 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (build(path[middle]!.plan).bytes <= maxBytes) high = middle;
    else low = middle + 1;
  }
  return low;
}

function evenlySpaced(path: readonly PlannedSize[], count: number): number[] {
  const most = path[0]!.bytes;
  const fewest = path.at(-1)!.bytes;
  const wanted = Array.from({ length: count }, (_, i) => most - ((most - fewest) * i) / (count - 1));
  return [
    ...new Set(
      wanted.map((bytes) =>
        Math.max(
          0,
          path.findIndex((point) => point.bytes <= bytes + 0.5),
        ),
      ),
    ),
  ];
}

function curveOf(points: readonly Measured[], chosen: number): TradeOffPoint[] {
  return points
    .toSorted((a, b) => b.bytes - a.bytes)
    .map(({ at, bytes, loss }) => ({ bytes, loss, chosen: at === chosen }));
}

function unreachable(target: SizeTarget, found: Measured) {
  const points = (share: number) => `${(100 * share).toFixed(2)} points`;
  return compressErrors.error(
    "BUDGET_UNREACHABLE",
    `On the held-out images ${found.bytes} bytes cost ${points(found.loss)} (${points(found.cautious)} with one ` +
      `standard error), more than the ${points(target.maxDrop ?? 0)} allowed. ` +
      "Allow more bytes or a larger drop, or give more calibration images.",
    { details: { bytes: found.bytes, loss: found.loss, maxDrop: target.maxDrop } },
  );
}
