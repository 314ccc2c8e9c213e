/**
 * The variants of all layers with the codes that a method chooses in place of the nearest. A search for bits then chooses among these: each was
 * made with the layers before it in the most bits there are.
 */
import type { Model } from "@cupel/onnx";
import { sample } from "@cupel/vision";
import { type Layer, layerName } from "../layer.ts";
import type { Variant } from "../search/variants.ts";
import type { Calibrated, StageContext } from "../stage/stage.ts";
import { roundByMoments } from "./closed-form.ts";
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
  const plan = new Map([...nearest].map(([name, [most]]) => [name, most!.bits]));
  const images = sample(context.images, context.images.length, context.seed);
  const byMoments = await roundByMoments(model, calibrated, nearest, plan, options, { ...context, images });
  const variants = new Map(nearest);
  const rounded: RoundedLayer[] = [];
  const left: Layer[] = [];
  for (const layer of calibrated.layers) {
    const weight = layer.weight.name;
    const found = byMoments.get(weight);
    if (!found) left.push(layer);
    else {
      variants.set(
        weight,
        found.map(({ variant }) => variant),
      );
      for (const { variant, nearestNoise } of found) {
        const { bits, noise } = variant;
        rounded.push({ name: layerName(layer), weight, bits, method: "gptq", nearest: nearestNoise, noise });
      }
    }
  }
  return { variants, rounded, notes: left.length > 0 ? [leftNote(left)] : [] };
}

function leftNote(left: readonly Layer[]): string {
  const listed = left.slice(0, 3).map(layerName).join(", ");
  return `Rounded to the nearest, since what they multiply cannot be measured: ${listed}${left.length > 3 ? " and others" : ""}.`;
}
