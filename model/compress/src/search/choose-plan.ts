/** From variants to a plan under the recipe's target: probe, rank, allocate, search. */
import type { Progress, WorkOptions } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { classesOf, type Evaluation, evaluate } from "@cupel/predict";
import type { openSession } from "@cupel/runtime";
import { type ImageSource, type Preprocessing, sample } from "@cupel/vision";
import { openSource } from "../calibrate/open-tuned.ts";
import type { Target } from "../recipe/recipe.ts";
import { allocationPath, type Plan } from "./allocate-bits.ts";
import { type SearchResult, searchBits } from "./search-bits.ts";
import { measureSensitivity } from "./sensitivity.ts";
import type { Variant } from "./variants.ts";

/** The width layers are probed at: coarse enough to be felt, fine enough to stay in the quadratic range. */
const probeBits = 3;
/** Held-out images used for a probe; a whole run over all layers costs one pass of these a layer. */
const probeImages = 64;

/** What a search without a target aims for: half a point. */
const defaultMaxDrop = 0.005;

export interface ChoiceOptions extends WorkOptions {
  readonly target: Target;
  /** Images that calibration has not seen. */
  readonly heldOut: ImageSource;
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  readonly open?: typeof openSession | undefined;
  readonly seed: number;
  /** The model as it would be shipped under a plan. */
  readonly build: (plan: Plan) => Model;
  /** Of a model as it will be written. */
  readonly bytesOf: (model: Model) => number;
}

/**
 * @param float the clean float model. @param variants by weight name, from most bits to fewest.
 * @throws BUDGET_UNREACHABLE, and what evaluation throws
 */
export async function choosePlan(
  float: Model,
  variants: ReadonlyMap<string, readonly Variant[]>,
  options: ChoiceOptions,
): Promise<SearchResult> {
  const { heldOut, preprocessing, threads, open, signal, progress, seed, build, bytesOf } = options;
  const hasTarget = options.target.maxBytes !== null || options.target.maxDrop !== null;
  const target = hasTarget ? options.target : { maxBytes: null, maxDrop: defaultMaxDrop };
  const sensitivity = await measureSensitivity(float, probesOf(variants), {
    images: sample(heldOut, probeImages, seed),
    preprocessing,
    threads,
    open,
    signal,
    progress,
  });
  const path = allocationPath(
    new Map(
      [...variants].map(([name, all]) => [
        name,
        all.map(({ bits, bytes, noise }) => ({ bits, bytes, cost: noise * sensitivity.get(name)! })),
      ]),
    ),
  );
  const classes = classesOf(float).names;
  const evaluated = async (model: Model, shown?: Progress): Promise<Evaluation> => {
    await using readable = await openSource(() => model);
    const work = { classes, threads, memoryPattern: false, open, signal, progress: shown };
    return await evaluate(readable.source, heldOut, preprocessing, work);
  };
  const reference = await evaluated(float, progress);
  return searchBits(path, {
    target,
    reference,
    progress,
    build(plan) {
      const model = build(plan);
      return { bytes: bytesOf(model), evaluate: () => evaluated(model) };
    },
  });
}

function probesOf(variants: ReadonlyMap<string, readonly Variant[]>): Map<string, Variant> {
  return new Map(
    [...variants].map(([name, all]) => [name, all.find((each) => each.bits === probeBits) ?? all.at(-1)!]),
  );
}
