/**
 * From the trained network back to what is written: the integers and steps that its graph computes with, as the engine
 * computes them, become codes and scales.
 */
import { encodeModel, type Model } from "@cupel/onnx";
import { float32Of, openSession } from "@cupel/runtime";
import { readQuantised } from "@cupel/train";
import type { ActivationScale } from "../calibrate/activation-scale.ts";
import { inRows } from "../layer.ts";
import type { Variant } from "../search/variants.ts";
import type { Calibrated, Quantised } from "../stage/stage.ts";
import { storedBytes } from "../weights/quantised-weights.ts";
import type { RoundedLayer, RoundedNetwork } from "./rounded-network.ts";

export interface ReadBack {
  readonly variants: Quantised["variants"];
  readonly scales: Calibrated["scales"];
}

/** @param trained as the trainer exports it. @param before the scales of the activations, of which some were learned */
export async function readBack(
  trained: Model,
  { network, layers }: RoundedNetwork,
  before: Calibrated["scales"],
  { threads, signal }: { readonly threads: number; readonly signal?: AbortSignal | undefined },
): Promise<ReadBack> {
  const { model, names } = readQuantised(trained, network);
  await using session = await openSession(encodeModel(model), { threads, signal });
  const outputs = await session.run({});
  const read = (from: ReadonlyMap<string, string>, name: string) => float32Of(outputs[from.get(name)!]!);
  const variants = layers.map((each) => {
    const { name } = each.layer.weight;
    const bias = each.bias === null ? null : read(names.biases, each.bias).slice();
    return [name, [variantOf(each, read(names.levels, name), read(names.steps, name), bias)]] as const;
  });
  const scales = Array.from(before, ([name, scale]): [string, ActivationScale] => {
    if (!names.activations.has(name)) return [name, scale];
    return [name, { scale: read(names.activations, name)[0]!, zeroPoint: scale.zeroPoint }];
  });
  return { variants: new Map(variants), scales: new Map(scales) };
}

function variantOf(
  { layer, variant, levels }: RoundedLayer,
  integers: Float32Array,
  steps: Float32Array,
  bias: Float32Array | null,
): Variant {
  const { bits, noise } = variant;
  const { rows, columns } = layer;
  const codeOf = new Map(Array.from(levels, (level, code) => [level, code]));
  return {
    bits,
    weights: {
      bits,
      codes: Uint8Array.from(inRows(layer, integers), (level) => codeOf.get(level)!),
      levels,
      uniform: bits === 8 || variant.weights.uniform,
      scales: steps.length === 1 ? new Float32Array(rows).fill(steps[0]!) : steps.slice(),
      rows,
      columns,
      blocks: null,
    },
    bias,
    bytes: storedBytes(rows, columns, bits, null),
    noise,
  };
}
