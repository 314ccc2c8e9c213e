/** How it is decided which of its two neighbouring levels a weight becomes, and what that brought each layer. */
import type { ActivationScale } from "../calibrate/activation-scale.ts";
import type { Layer } from "../layer.ts";
import type { WeightBits } from "../weights/quantised-weights.ts";

export const roundings = ["nearest", "gptq", "reconstruct", "auto"] as const;
export type Rounding = (typeof roundings)[number];

export interface RoundingOptions {
  readonly correctBias: boolean;
  readonly granularity: "channel" | "tensor";
  /** Null where the layer's input stays in float. */
  readonly inputScaleOf: (layer: Layer) => ActivationScale | null;
  /** That train a block. */
  readonly roundingSteps: number;
  /** As `WeightQuantiser` has it. */
  readonly maxLevelOf: (layer: Layer) => 127 | 63;
}

export interface RoundedLayer {
  readonly name: string;
  /** The weight's name in the original model. */
  readonly weight: string;
  readonly bits: WeightBits;
  readonly method: "gptq" | "reconstruct";
  /**
   * Squared error of the layer's output over its variance, on calibration images, of what the layer can make of its input at best:
   * with weights rounded to the nearest, and by moments.
   */
  readonly nearest: number;
  readonly gptq: number;
  /** The same of the output of the layer's block against the float network's, on images kept apart; null where it was not trained. */
  readonly block: { readonly gptq: number; readonly reconstruct: number } | null;
}
