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
   * away. A function receives each value and returns one that is safe.
   */
  readonly avoid?: (value: number) => number;
  /** False for a float input that the operator does not differentiate. Default true. */
  readonly differentiated?: boolean;
}
