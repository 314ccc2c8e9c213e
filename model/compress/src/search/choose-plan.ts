/** From variants to a plan under the recipe's target: probe, rank, allocate, search. */
import type { Model } from "@cupel/onnx";
import type { Evaluation } from "@cupel/predict";
import { sample } from "@cupel/vision";
import type { SizeTarget } from "../recipe/recipe.ts";
import { allocationPath, type Plan } from "./allocate-bits.ts";
import { type HeldOutOptions, onHeldOut } from "./held-out.ts";
import { type SearchResult, searchBits } from "./search-bits.ts";
import { measureSensitivity } from "./sensitivity.ts";
import type { Variant } from "./variants.ts";

/** The width layers are probed at: coarse enough to be felt, fine enough to stay in the quadratic range. */
const probeBits = 3;
/** Held-out images used for a probe; a whole run over all layers costs one pass of these a layer. */
const probeImages = 64;

/** What a search without a target aims for: half a point. */
const defaultMaxDrop = 0.005;

export interface ChoiceOptions extends HeldOutOptions {
  readonly target: SizeTarget;
  readonly seed: number;
  /** What losses are counted from, on the held-out images. Default: the float model. */
  readonly reference?: Evaluation | null | undefined;
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
  const evaluated = onHeldOut(float, options);
  const reference = options.reference ?? (await evaluated(float, progress));
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
