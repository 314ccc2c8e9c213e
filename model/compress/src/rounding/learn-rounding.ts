/**
 * The variants of all layers with the codes that a method chooses in place of the nearest, block by block: each sees the network
 * with all before it as they will be. A search for bits chooses among variants that were made with the layers before them in the most
 * bits there are, and only by moments, since a block is trained for one choice of bits; what it chose is rounded anew.
 */
import { CupelError, silentProgress } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { sample, subset } from "@cupel/vision";
import { type EmittedModel, emitModel } from "../emit/emit-model.ts";
import { type Layer, layerName } from "../layer.ts";
import type { Variant } from "../search/variants.ts";
import type { Calibrated, StageContext } from "../stage/stage.ts";
import { blockImages } from "./block-images.ts";
import { type Block, blocksOf } from "./blocks.ts";
import { bySameInput, type ClosedForm, roundByMoments } from "./closed-form.ts";
import { type Reconstructed, reconstruct } from "./reconstruct.ts";
import type { RoundedLayer, Rounding, RoundingOptions } from "./rounding.ts";

export interface LearnedRounding {
  /** By weight name. */
  readonly variants: ReadonlyMap<string, readonly Variant[]>;
  readonly rounded: readonly RoundedLayer[];
  readonly notes: readonly string[];
}

/** @param nearest by weight name, from most bits to fewest */
export async function learnRounding(
  model: Model,
  calibrated: Calibrated,
  nearest: ReadonlyMap<string, readonly Variant[]>,
  rounding: Rounding,
  options: RoundingOptions,
  context: StageContext,
): Promise<LearnedRounding> {
  if (rounding === "nearest") return { variants: nearest, rounded: [], notes: [] };
  const { layers } = calibrated;
  const plan = new Map([...nearest].map(([name, [most]]) => [name, most!.bits]));
  const images = sample(context.images, context.images.length, context.seed);
  // What is by moments begins at one end, blocks and what judges both at the other.
  const backwards = subset(
    images,
    Array.from({ length: images.length }, (_, index) => images.length - 1 - index),
  );
  const trains = rounding !== "gptq" && [...nearest.values()].every((each) => each.length === 1);
  const variants = new Map(nearest);
  const rounded: RoundedLayer[] = [];
  const [unmeasured, untrained]: [Layer[], Layer[]] = [[], []];
  using task = (context.progress ?? silentProgress).start("Learning to round", layers.length, "layers");
  for (const { block, own } of inBlocks(trains ? blocksOf(model.graph, layers) : [], layers)) {
    const closed = await roundByMoments(model, calibrated, own, variants, plan, options, {
      ...context,
      images,
    });
    for (const [weight, found] of closed)
      variants.set(
        weight,
        found.map(({ variant }) => variant),
      );
    const learned =
      block && own.every(({ weight }) => closed.has(weight.name))
        ? await trained(emitModel(model, calibrated, { variants, plan }), model, block, closed, options, {
            ...context,
            images: backwards,
          })
        : null;
    const isTaken = learned !== null && (rounding === "reconstruct" || learned.after < learned.before);
    if (isTaken) for (const [weight, variant] of learned.variants) variants.set(weight, [variant]);
    for (const layer of own) {
      const found = closed.get(layer.weight.name);
      if (!found) unmeasured.push(layer);
      else rounded.push(...found.map((each) => described(layer, each, learned, isTaken)));
      if (found && trains && !learned) untrained.push(layer);
    }
    task.advance(own.length);
  }
  const notes = [
    ...noteOn(unmeasured, "Rounded to the nearest, since what they multiply cannot be measured"),
    ...noteOn(untrained, "Rounded by gptq alone, since their block cannot be trained"),
  ];
  return { variants, rounded, notes };
}

interface LayersTogether {
  /** Null for layers that are in no block. */
  readonly block: Block | null;
  readonly own: readonly Layer[];
}

/** All layers in order. */
function inBlocks(blocks: readonly Block[], layers: readonly Layer[]): LayersTogether[] {
  const blockOf = new Map(blocks.flatMap((block) => block.layers.map((layer) => [layer, block] as const)));
  const alone = bySameInput(layers.filter((layer) => !blockOf.has(layer)));
  const heads = new Map<Layer, LayersTogether>([
    ...blocks.map((block) => [block.layers[0]!, { block, own: block.layers }] as const),
    ...alone.map((own) => [own[0]!, { block: null, own }] as const),
  ]);
  return layers.flatMap((layer) => heads.get(layer) ?? []);
}

/** What keeps a block from being trained, and is no fault. */
const untrainable = new Set([
  "GRADIENT_UNSUPPORTED",
  "GRADIENT_UNREACHABLE",
  "SHAPE_NOT_STATIC",
  "OPSET_UNSUPPORTED",
]);

/** @param compressed with the block as it is by moments. @returns null where it cannot be trained */
async function trained(
  compressed: EmittedModel,
  float: Model,
  block: Block,
  closed: ReadonlyMap<string, readonly ClosedForm[]>,
  options: RoundingOptions,
  context: StageContext,
): Promise<Reconstructed | null> {
  const from = compressed.correspondence.get(block.from.name)?.name ?? block.from.name;
  // What is not rounded there is fed as it is: nothing makes it.
  if (compressed.model.graph.inputs.some(({ name }) => name === from)) return null;
  const one = new Map([...closed].map(([name, [only]]) => [name, only!]));
  try {
    const seen = await blockImages(compressed.model, float, block, from, context);
    return await reconstruct(float, block, one, seen, { ...options, ...context });
  } catch (thrown) {
    if (thrown instanceof CupelError && untrainable.has(thrown.code)) return null;
    throw thrown;
  }
}

function described(
  layer: Layer,
  { variant, nearestNoise }: ClosedForm,
  block: Reconstructed | null,
  isTaken: boolean,
): RoundedLayer {
  return {
    name: layerName(layer),
    weight: layer.weight.name,
    bits: variant.bits,
    method: isTaken ? "reconstruct" : "gptq",
    nearest: nearestNoise,
    gptq: variant.noise,
    block: block && { gptq: block.before / block.power, reconstruct: block.after / block.power },
  };
}

function noteOn(layers: readonly Layer[], what: string): string[] {
  if (layers.length === 0) return [];
  const listed = layers.slice(0, 3).map(layerName).join(", ");
  return [`${what}: ${listed}${layers.length > 3 ? " and others" : ""}.`];
}
