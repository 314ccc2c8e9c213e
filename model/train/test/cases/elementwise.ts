/** Rows of the gradient check: the elementwise operators. */
import type { Random } from "@cupel/base";
import { attribute, Tensor } from "@cupel/onnx";
import { awayFrom, type DrawnInput, type GradientCase } from "../support/gradient-case.ts";
import { drawDims } from "../support/random-dims.ts";

type Range = Omit<DrawnInput, "dims">;

/** One input of any shape. */
const unary = (opType: string, range: Range = {}): GradientCase => ({
  opType,
  variant: "",
  draw: (random) => ({ inputs: [{ dims: drawDims(random), ...range }] }),
});

/** The forms in which shapes broadcast: each function makes the shape of one input from that of the output. */
const broadcasts: Readonly<
  Record<string, readonly ((dims: readonly number[], random: Random) => readonly number[])[]>
> = {
  "equal shapes": [(dims) => dims, (dims) => dims],
  "scalar on the right": [(dims) => dims, () => []],
  "scalar on the left": [() => [], (dims) => dims],
  "fewer dimensions": [(dims) => dims.slice(1), (dims) => dims],
  "size 1 on either side": [
    (dims) => dims.map((size, axis) => (axis % 2 === 0 ? 1 : size)),
    (dims) => dims.map((size, axis) => (axis % 2 === 1 ? 1 : size)),
  ],
  channels: [(dims) => dims, (dims) => dims.map((size, axis) => (axis === 1 ? size : 1))],
};

/** Two inputs, in every form of broadcasting. */
function binary(opType: string, ranges: readonly Range[] = []): GradientCase[] {
  return Object.entries(broadcasts).map(([variant, shapes]) => ({
    opType,
    variant,
    draw: (random) => {
      const dims = drawDims(random, 3, 4);
      return { inputs: shapes.map((shape, index) => ({ dims: shape(dims, random), ...ranges[index] })) };
    },
  }));
}

/** Three inputs of different ranks. */
const variadic = (opType: string, ranges: readonly Range[] = []): GradientCase => ({
  opType,
  variant: "three inputs",
  draw: (random) => {
    const dims = drawDims(random, 3, 4);
    const shapes = [dims, dims.slice(1), dims.map((size, axis) => (axis === 1 ? 1 : size))];
    return { inputs: shapes.map((shape, index) => ({ dims: shape, ...ranges[index] })) };
  },
});

const booleans = (random: Random, dims: readonly number[]): Tensor => {
  const bytes = Uint8Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.integer(2));
  return Tensor.fromBytes("bool", dims, bytes);
};

const condition = (variant: string, shape: (dims: readonly number[]) => readonly number[]): GradientCase => ({
  opType: "Where",
  variant,
  draw: (random) => {
    const dims = drawDims(random, 3, 4);
    return { inputs: [booleans(random, shape(dims)), { dims: dims.slice(1) }, { dims }] };
  },
});

const power = (exponent: Tensor, variant: string): GradientCase => ({
  opType: "Pow",
  variant,
  draw: (random) => ({ inputs: [{ dims: drawDims(random), low: 0.5 }, exponent] }),
});

/** On grids that never meet, so that no difference step changes which input is the largest. */
const comb = (offset: number): Range => ({ avoid: (value) => (Math.round(value * 8) + offset) / 8 });
const combs = [comb(0), comb(1 / 3), comb(2 / 3)];

const positive = { low: 0.5 };
const awayFromZero = { avoid: awayFrom(0) };
const awayFromIntegers = { avoid: awayFrom(-2, -1, 0, 1, 2) };
const insideOne = { low: -0.8, high: 0.8 };

export const elementwiseCases: readonly GradientCase[] = [
  ...binary("Add"),
  ...binary("Sub"),
  ...binary("Mul"),
  ...binary("Div", [{}, positive]),
  ...binary("Pow", [positive, {}]),
  power(Tensor.float32([], [2]), "constant exponent 2"),
  power(Tensor.float32([1], [-1.5]), "constant exponent -1.5"),
  power(Tensor.int64([], [3]), "integer exponent 3"),
  ...binary("Max", combs),
  ...binary("Min", combs),
  variadic("Max", combs),
  variadic("Min", combs),
  variadic("Sum"),
  variadic("Mean"),
  condition("condition of the output's shape", (dims) => dims),
  condition("condition broadcast", (dims) => [dims[0]!, 1, 1, ...dims.slice(3)]),

  unary("Identity"),
  {
    opType: "Cast",
    variant: "to float64",
    draw: (random) => ({ inputs: [{ dims: drawDims(random) }], attributes: { to: attribute.int(11) } }),
  },
  { opType: "Dropout", variant: "no ratio", draw: (random) => ({ inputs: [{ dims: drawDims(random) }] }) },
  {
    opType: "Dropout",
    variant: "inference said",
    draw: (random) => ({
      inputs: [
        { dims: drawDims(random) },
        Tensor.float32([], [0.3]),
        Tensor.fromBytes("bool", [], Uint8Array.of(0)),
      ],
    }),
  },
  unary("Neg"),
  unary("Abs", awayFromZero),
  unary("Exp"),
  unary("Log", positive),
  unary("Sqrt", positive),
  unary("Reciprocal", positive),
  unary("Erf"),
  unary("Sin"),
  unary("Cos"),
  unary("Tan", { low: -1, high: 1 }),
  unary("Asin", insideOne),
  unary("Acos", insideOne),
  unary("Atan"),
  unary("Sinh"),
  unary("Cosh"),
  unary("Asinh"),
  unary("Acosh", { low: 1.5, high: 3 }),
  unary("Atanh", insideOne),
  unary("Sign", awayFromZero),
  unary("Floor", awayFromIntegers),
  unary("Ceil", awayFromIntegers),
  unary("Round", { avoid: awayFrom(-1.5, -0.5, 0.5, 1.5) }),
];
