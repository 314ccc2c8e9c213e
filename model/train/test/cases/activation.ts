/** Rows of the gradient check: the activations. */
import { type Attribute, attribute, Tensor } from "@cupel/onnx";
import { awayFrom, type DrawnInput, type GradientCase } from "../support/gradient-case.ts";
import { drawDims } from "../support/random-dims.ts";

function unary(
  opType: string,
  kinks: readonly number[] = [],
  attributes: Readonly<Record<string, Attribute>> = {},
  variant = Object.keys(attributes).join(", "),
): GradientCase {
  const range: Omit<DrawnInput, "dims"> = { low: -4, high: 4, avoid: awayFrom(...kinks) };
  return {
    opType,
    variant,
    draw: (random) => ({ inputs: [{ dims: drawDims(random), ...range }], attributes }),
  };
}

const prelu = (variant: string, slopeOf: (dims: readonly number[]) => readonly number[]): GradientCase => ({
  opType: "PRelu",
  variant,
  draw: (random) => {
    const dims = drawDims(random, 3, 4);
    return { inputs: [{ dims, avoid: awayFrom(0) }, { dims: slopeOf(dims) }] };
  },
});

/** Constant bounds; null for one left out. */
const clip = (variant: string, min: number | null, max: number | null): GradientCase => ({
  opType: "Clip",
  variant,
  draw: (random) => {
    const bounds = [min, max].map((bound) => (bound === null ? null : Tensor.float32([], [bound])));
    const avoid = awayFrom(...[min, max].filter((bound) => bound !== null));
    return { inputs: [{ dims: drawDims(random), avoid }, ...bounds] };
  },
});

const softmax = (opType: string, variant: string, axis: number | null): GradientCase => ({
  opType,
  variant,
  draw: (random) => ({
    inputs: [{ dims: drawDims(random, 3, 4) }],
    attributes: axis === null ? {} : { axis: attribute.int(axis) },
  }),
});

export const activationCases: readonly GradientCase[] = [
  unary("Relu", [0]),
  unary("LeakyRelu", [0]),
  unary("LeakyRelu", [0], { alpha: attribute.float(-0.3) }, "negative alpha"),
  prelu("slope of the input's shape", (dims) => dims),
  prelu("slope a channel", (dims) => [dims[1]!, ...dims.slice(2).map(() => 1)]),
  prelu("one slope", () => [1]),
  unary("ThresholdedRelu", [1]),
  unary("ThresholdedRelu", [0.5], { alpha: attribute.float(0.5) }),
  clip("both bounds", -1, 0.5),
  clip("minimum only", -0.5, null),
  clip("maximum only", null, 0.5),
  clip("no bounds", null, null),
  {
    opType: "Clip",
    variant: "bounds that are trained",
    draw: (random) => ({
      inputs: [
        // On a comb, between whose teeth the bounds are.
        { dims: drawDims(random, 2), avoid: (value) => Math.round(value * 4) / 4 },
        { dims: [], low: -0.9, high: -0.85 },
        { dims: [], low: 0.85, high: 0.9 },
      ],
    }),
  },

  unary("Sigmoid"),
  unary("Tanh"),
  unary("Softplus"),
  unary("Softsign", [0]),
  unary("Gelu", [], {}, "exact"),
  unary("Gelu", [], { approximate: attribute.string("tanh") }, "tanh"),
  unary("Mish"),
  { ...unary("Swish", [], { alpha: attribute.float(1.3) }), opset: 24 },

  unary("HardSigmoid", [-2.5, 2.5]),
  unary("HardSigmoid", [-1, 3], { alpha: attribute.float(0.25), beta: attribute.float(0.25) }),
  unary("HardSwish", [-3, 3]),
  unary("Elu", [0]),
  unary("Elu", [0], { alpha: attribute.float(0.7) }),
  unary("Selu", [0]),
  unary("Selu", [0], { alpha: attribute.float(1.2), gamma: attribute.float(0.8) }),
  unary("Celu", [0]),
  unary("Celu", [0], { alpha: attribute.float(0.7) }),

  ...["Softmax", "LogSoftmax"].flatMap((opType) => [
    softmax(opType, "last axis", null),
    softmax(opType, "axis 1", 1),
    softmax(opType, "axis -3", -3),
  ]),
];
