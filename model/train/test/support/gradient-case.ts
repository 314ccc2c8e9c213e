/**
 * One row of the gradient check: how to draw a random application of an operator. The check
 * (`gradient-rules.test.ts`) draws each row several times, runs the differentiated graph in the engine and
 * compares every gradient with central differences of the forward graph in the same engine.
 */
import type { Random } from "@cupel/base";
import type { Attribute, Tensor } from "@cupel/onnx";

export interface GradientCase {
  readonly opType: string;
  /** What the row covers, such as "groups, stride 2"; "" for the plain form. */
  readonly variant: string;
  /** Operator set of the model. Default 20. */
  readonly opset?: number;
  draw(random: Random): Application;
}

export interface Application {
  /**
   * In order; null for an input left out. `tensor` inputs are constants that are not differentiated
   * (axes, indices, masks); `dims` inputs are drawn from `low`..`high` (default -2..2) and differentiated.
   */
  readonly inputs: readonly (Tensor | DrawnInput | null)[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Default 1. */
  readonly outputs?: number;
  /** Which output the loss is made from. Default 0. */
  readonly differentiated?: number;
}

export interface DrawnInput {
  readonly dims: readonly number[];
  readonly low?: number;
  readonly high?: number;
  /**
   * Points where the operator has a kink (0 for Relu): values nearer than the difference step are moved
   * away. A function receives each value and returns one that is safe. See `awayFrom`.
   */
  readonly avoid?: (value: number) => number;
  /**
   * Values are a random order of evenly spaced ones, so that no difference step changes which is the
   * largest (MaxPool, ReduceMax). At most 250 elements in the default range.
   */
  readonly distinct?: boolean;
  /** False for a float input that the operator does not differentiate. Default true. */
  readonly differentiated?: boolean;
}

/**
 * How far central differences move each element. Rounding costs eps/h of the value and truncation h^2/6 of
 * the third derivative; with float32's eps = 2^-24 both are smallest, about 2^-16, at h = eps^(1/3) = 2^-8.
 */
export const differenceStep = 2 ** -8;

/** For `avoid`: moves values that a difference step could carry over one of `kinks` to a safe distance. */
export const awayFrom =
  (...kinks: readonly number[]) =>
  (value: number): number => {
    const margin = 4 * differenceStep;
    const kink = kinks.find((point) => Math.abs(value - point) < margin);
    return kink === undefined ? value : kink + (value < kink ? -margin : margin);
  };
