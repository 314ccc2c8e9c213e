/** Rows of the gradient check: elements taken or placed by index. */
import type { Random } from "@cupel/base";
import { attribute, Tensor } from "@cupel/onnx";
import type { DrawnInput, GradientCase } from "../support/gradient-case.ts";
import { drawDims } from "../support/random-dims.ts";

const product = (dims: readonly number[]): number => dims.reduce((count, size) => count * size, 1);

/** Numbers in -size..size-1, so that some repeat and some count from the end. */
const indices = (random: Random, dims: readonly number[], size: number): Tensor =>
  Tensor.int64(
    dims,
    Array.from({ length: product(dims) }, () => random.integer(2 * size) - size),
  );

const gather = (variant: string, axis: number, shape: readonly number[]): GradientCase => ({
  opType: "Gather",
  variant,
  draw: (random) => {
    const dims = drawDims(random, 3, 3);
    return {
      inputs: [{ dims }, indices(random, shape, dims.at(axis)!)],
      attributes: { axis: attribute.int(axis) },
    };
  },
});

/** Addresses [..., k] of which each number is within its axis. */
const addresses = (random: Random, lead: readonly number[], dims: readonly number[], k: number): Tensor => {
  const numbers = Array.from({ length: product(lead) }, () =>
    dims.slice(0, k).map((size) => random.integer(2 * size) - size),
  );
  return Tensor.int64([...lead, k], numbers.flat());
};

const gatherND = (variant: string, k: number): GradientCase => ({
  opType: "GatherND",
  variant,
  draw: (random) => {
    const dims = drawDims(random, 3, 3);
    return { inputs: [{ dims }, addresses(random, [2, 5], dims, k)] };
  },
});

/** Along each line of the axis, places that differ. */
const scatterElements = (reduction: "none" | "add"): GradientCase => ({
  opType: "ScatterElements",
  variant: reduction,
  draw: (random) => {
    const [rows, columns, taken] = [4, 5, 3];
    const places = Array.from({ length: rows }, () => random.permutation(columns).slice(0, taken));
    return scattered(
      reduction,
      [rows, columns],
      Tensor.int64(
        [rows, taken],
        places.flatMap((row) => Array.from(row, (at) => (at % 2 ? at : at - columns))),
      ),
      [rows, taken],
      { axis: attribute.int(-1) },
    );
  },
});

const scatterND = (reduction: "none" | "add"): GradientCase => ({
  opType: "ScatterND",
  variant: reduction,
  draw: (random) => {
    const places = Array.from(random.permutation(12).slice(0, 5), (at) => [Math.floor(at / 4), at % 4]);
    return scattered(reduction, [3, 4, 2], Tensor.int64([5, 2], places.flat()), [5, 2], {});
  },
});

const scattered = (
  reduction: "none" | "add",
  dims: readonly number[],
  places: Tensor,
  updates: readonly number[],
  attributes: Readonly<Record<string, ReturnType<typeof attribute.int>>>,
) => ({
  inputs: [{ dims }, places, { dims: updates }] satisfies (Tensor | DrawnInput)[],
  attributes: { ...attributes, ...(reduction === "add" && { reduction: attribute.string(reduction) }) },
});

export const indexingCases: readonly GradientCase[] = [
  gather("", 0, [5]),
  gather("a scalar index", 1, []),
  gather("negative axis, indices of two dimensions", -1, [2, 3]),
  {
    opType: "GatherElements",
    variant: "",
    draw: (random) => ({
      inputs: [{ dims: [3, 4] }, indices(random, [3, 6], 4)],
      attributes: { axis: attribute.int(-1) },
    }),
  },
  gatherND("rows", 1),
  gatherND("elements", 3),
  scatterElements("none"),
  scatterElements("add"),
  scatterND("none"),
  scatterND("add"),
  {
    opType: "TopK",
    variant: "",
    draw: () => ({
      inputs: [{ dims: [3, 6], distinct: true, low: -4, high: 4 }, Tensor.int64([1], [2])],
      attributes: { axis: attribute.int(0) },
      outputs: 2,
    }),
  },
];
