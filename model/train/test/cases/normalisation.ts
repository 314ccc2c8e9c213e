/** Rows of the gradient check: normalisations. */
import { type Attribute, attribute } from "@cupel/onnx";
import type { GradientCase } from "../support/gradient-case.ts";

const { float, int, ints } = attribute;

interface Normalisation {
  readonly dims: readonly number[];
  /** Of scale, bias, ... */
  readonly parameters?: readonly (readonly number[])[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly opset?: number;
}

function row(
  opType: string,
  variant: string,
  { dims, parameters = [], attributes = {}, opset }: Normalisation,
): GradientCase {
  return {
    opType,
    variant,
    ...(opset === undefined ? {} : { opset }),
    draw: () => ({ inputs: [{ dims }, ...parameters.map((sizes) => ({ dims: sizes }))], attributes }),
  };
}

/** Scale, bias, mean and variance of each channel; the running statistics are no variables of a training step. */
function batchNormalization(
  variant: string,
  dims: readonly number[],
  attributes: Readonly<Record<string, Attribute>> = {},
  outputs = 1,
): GradientCase {
  const channels = [dims[1]!];
  const differentiated = attributes.training_mode === undefined;
  return {
    opType: "BatchNormalization",
    variant,
    draw: () => ({
      inputs: [
        { dims },
        { dims: channels },
        { dims: channels },
        { dims: channels, differentiated },
        { dims: channels, low: 0.5, high: 2, differentiated },
      ],
      attributes,
      outputs,
    }),
  };
}

const training = { training_mode: int(1) };

export const normalisationCases: readonly GradientCase[] = [
  batchNormalization("running statistics", [3, 4, 3, 5]),
  batchNormalization("running statistics, epsilon, no positions", [5, 4], { epsilon: float(0.1) }),
  batchNormalization("batch statistics from the node", [3, 4, 3, 5], { ...training, momentum: float(0) }, 3),
  batchNormalization("batch statistics not yet among the outputs", [3, 4, 3, 5], {
    ...training,
    momentum: float(0),
    epsilon: float(0.1),
  }),
  batchNormalization("batch statistics beside a momentum", [3, 4, 3, 5], training, 3),
  batchNormalization("batch statistics, one dimension", [3, 4, 6], { ...training, momentum: float(0) }, 3),
  batchNormalization("batch statistics, no positions", [6, 4], { ...training, momentum: float(0) }, 3),
  row("LayerNormalization", "last axis", { dims: [2, 3, 8], parameters: [[8], [8]] }),
  row("LayerNormalization", "two axes, no bias, epsilon", {
    dims: [2, 3, 4, 5],
    parameters: [[4, 5]],
    attributes: { axis: int(2), epsilon: float(0.1) },
  }),
  row("LayerNormalization", "scale that broadcasts", {
    dims: [2, 3, 4, 5],
    parameters: [[5], [1, 5]],
    attributes: { axis: int(-2) },
  }),
  row("RMSNormalization", "last axis", { dims: [2, 3, 8], parameters: [[8]], opset: 23 }),
  row("RMSNormalization", "two axes, epsilon", {
    dims: [2, 3, 4, 5],
    parameters: [[4, 5]],
    attributes: { axis: int(2), epsilon: float(0.1) },
    opset: 23,
  }),
  row("InstanceNormalization", "", { dims: [2, 3, 4, 5], parameters: [[3], [3]] }),
  row("InstanceNormalization", "one dimension, epsilon", {
    dims: [2, 3, 6],
    parameters: [[3], [3]],
    attributes: { epsilon: float(0.1) },
  }),
  row("GroupNormalization", "", {
    dims: [2, 6, 3, 4],
    parameters: [[6], [6]],
    attributes: { num_groups: int(3) },
    opset: 21,
  }),
  row("MeanVarianceNormalization", "", { dims: [2, 3, 4, 5] }),
  row("MeanVarianceNormalization", "stated axes", { dims: [2, 3, 8], attributes: { axes: ints([2]) } }),
  row("LpNormalization", "Euclidean", { dims: [2, 3, 5] }),
  {
    opType: "LpNormalization",
    variant: "sum of magnitudes, middle axis",
    draw: () => ({
      inputs: [{ dims: [2, 4, 3], low: 0.2 }],
      attributes: { p: int(1), axis: int(1) },
    }),
  },
];
