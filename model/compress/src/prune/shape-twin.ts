/**
 * A network as it would be written after pruning, as far as its time and its size go: its shapes, its placement, the bits planned; its
 * weights and scales mean nothing. What calibration and rounding take minutes for is there at once.
 */
import { cloneModel, type Model, type Value } from "@cupel/onnx";
import type { Range } from "../calibrate/range-method.ts";
import { valueScales } from "../calibrate/value-scales.ts";
import { clipRange } from "../clean/place-activations.ts";
import { emitHalves } from "../emit/emit-halves.ts";
import { emitModel } from "../emit/emit-model.ts";
import { type Layer, weightedLayers } from "../layer.ts";
import { overrideOf } from "../recipe/overrides.ts";
import { type Recipe, stageOf } from "../recipe/recipe.ts";
import type { Variant } from "../search/variants.ts";
import { placed } from "../stage/calibrate.ts";
import type { StageContext } from "../stage/stage.ts";
import {
  type QuantisedWeights,
  storedBytes,
  uniformLevels,
  type WeightBits,
} from "../weights/quantised-weights.ts";

/** What a layer's weights will have: bits, 16 for float16, or 32. */
export type PlannedBits = WeightBits | 16 | 32;

/** Bits that a search for them is taken to come to, while it has not run. */
const usualMixedBits: WeightBits = 4;

export function plannedBits(layer: Layer, recipe: Recipe): PlannedBits {
  const quantise = stageOf(recipe, "quantise");
  const given = overrideOf(layer, quantise?.overrides ?? {});
  if (given === "float") return 32;
  const bits = given ?? quantise?.bits ?? 8;
  return bits === "mixed" ? usualMixedBits : bits;
}

/** Of weights, scales and bias in the file. */
export function plannedBytes(layer: Layer, rows: number, columns: number, recipe: Recipe): number {
  const bits = plannedBits(layer, recipe);
  if (bits > 8) return (rows * columns * bits) / 8 + (layer.bias ? 4 * rows : 0);
  return storedBytes(rows, columns, bits as WeightBits, blockSizeOf(columns, bits, recipe)) + 4 * rows;
}

function blockSizeOf(columns: number, bits: PlannedBits, recipe: Recipe): number | null {
  const size = stageOf(recipe, "quantise")?.blockSize ?? null;
  return size !== null && bits < 8 && columns % size === 0 ? size : null;
}

/** @param model in float, cleaned, as the stages have it; left as it is */
export function shapeTwin(model: Model, context: Pick<StageContext, "recipe" | "preprocessing">): Model {
  const { recipe } = context;
  const layers = weightedLayers(model.graph);
  const bitsOf = new Map(layers.map((layer) => [layer, plannedBits(layer, recipe)]));
  const inFloat = layers.filter((layer) => bitsOf.get(layer) === 32);
  if (stageOf(recipe, "quantise")?.bits === 16) {
    const copy = cloneModel(model);
    emitHalves(copy, new Set(inFloat.map(({ weight }) => weight.name)));
    return copy;
  }
  const { placement } = placed(model, new Set(inFloat.map(({ node }) => node)), context);
  const ranges = new Map(placement.values.map((value, i) => [value.name, meaninglessRange(value, i)]));
  const scales = valueScales(placement, ranges, stageOf(recipe, "calibrate")?.symmetry ?? "asymmetric");
  const variants = new Map<string, readonly Variant[]>();
  const plan = new Map<string, WeightBits>();
  for (const layer of layers) {
    const bits = bitsOf.get(layer)!;
    if (bits > 8) continue;
    const weights = meaningless(layer, bits as WeightBits, recipe);
    variants.set(layer.weight.name, [{ bits: weights.bits, weights, bias: null, bytes: 0, noise: 0 }]);
    plan.set(layer.weight.name, weights.bits);
  }
  return emitModel(model, { placement, scales }, { variants, plan }).model;
}

/** Of its own for each value, since each has a constant in the file; within what makes it, or the engine would keep that in float. */
function meaninglessRange({ producer }: Value, i: number): Range {
  const [least, most] = producer?.is("Relu", "Clip")
    ? clipRange(producer)
    : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return [Math.max(least, -1 - i / 997), Math.min(most, 2 + i / 991)];
}

function meaningless({ rows, columns }: Layer, bits: WeightBits, recipe: Recipe): QuantisedWeights {
  const levels = uniformLevels(bits);
  // A small step through all levels: no run of equal codes that a kernel or a file could profit from.
  const codes = new Uint8Array(rows * columns);
  for (let i = 0; i < codes.length; i++) codes[i] = (i * 7 + (i >> 5)) % levels.length;
  const size = blockSizeOf(columns, bits, recipe);
  return {
    bits,
    codes,
    levels,
    uniform: bits === 8 || size !== null || stageOf(recipe, "quantise")?.levels === "uniform",
    scales: new Float32Array(rows).fill(0.01),
    rows,
    columns,
    blocks: size === null ? null : { size, multipliers: new Uint8Array((rows * columns) / size).fill(1) },
  };
}
