/** Operators that make tensors: constants, shapes as data, ranges, random numbers. */

import { elementTypeOf, type Node, type Shape } from "../graph/index.ts";
import { shapeRange } from "../operator/slices.ts";
import {
  type Inferred,
  many,
  type OperatorTable,
  operator,
  type Rule,
  type RuleContext,
  unary,
  unknownOfRank,
} from "./rule.ts";

const constant: Rule = (context) => [constantType(context.node)];

/** A Constant holds its value in one of seven attributes. */
function constantType(node: Node): Inferred | null {
  for (const [name, held] of node.attributes) {
    if (name === "value" && held.kind === "tensor")
      return { elementType: held.value.type, shape: held.value.dims };
    if (held.kind === "int") return { elementType: "int64", shape: [] };
    if (held.kind === "float") return { elementType: "float32", shape: [] };
    if (held.kind === "string") return { elementType: "string", shape: [] };
    if (held.kind === "ints") return { elementType: "int64", shape: [held.value.length] };
    if (held.kind === "floats") return { elementType: "float32", shape: [held.value.length] };
    if (held.kind === "strings") return { elementType: "string", shape: [held.value.length] };
  }
  return null;
}

const shape: Rule = (context) => {
  const data = context.shape(0);
  if (!data) return [{ elementType: "int64", shape: [null] }];
  const [start, end] = shapeRange(context.node, data.length);
  return [{ elementType: "int64", shape: [end - start] }];
};

const constantOfShape: Rule = (context) => {
  const elementType = context.node.tensor("value")?.type ?? "float32";
  const rank = context.shape(0)?.[0];
  const sizes = context.elements(0) ?? (typeof rank === "number" ? unknownOfRank(rank) : null);
  return [{ elementType, shape: sizes }];
};

const range: Rule = (context) => {
  const elementType = context.elementType(0);
  const [start, limit, delta] = [0, 1, 2].map((index) => context.elements(index)?.[0] ?? null);
  if (typeof start !== "number" || typeof limit !== "number" || typeof delta !== "number" || delta === 0) {
    // From 0 in steps of 1 to a symbolic limit: as long as that.
    return [{ elementType, shape: [start === 0 && delta === 1 && typeof limit === "string" ? limit : null] }];
  }
  return [{ elementType, shape: [Math.max(0, Math.ceil((limit - start) / delta))] }];
};

/** Type from `dtype`; else like the input, or float32 when there is none. */
function random(sizes: (context: RuleContext) => Shape, hasInput: boolean): Rule {
  return (context) => {
    const fallback = hasInput ? context.elementType(0) : "float32";
    return [{ elementType: elementTypeOf(context.node.int("dtype", 0)) ?? fallback, shape: sizes(context) }];
  };
}

const stated = random((context) => context.node.ints("shape"), false);
const likeInput = unary(random((context) => context.shape(0), true));

const multinomial: Rule = (context) => [
  {
    elementType: elementTypeOf(context.node.int("dtype", 6)) ?? null,
    shape: [context.shape(0)?.[0] ?? null, context.node.int("sample_size", 1)],
  },
];

/** As many samples of a window of a signal as the input says. */
const samples: Rule = (context) => [
  {
    elementType: elementTypeOf(context.node.int("output_datatype", 1)) ?? null,
    shape: [context.elements(0)?.[0] ?? null],
  },
];

export const creationOperators = {
  BlackmanWindow: unary(samples),
  HammingWindow: unary(samples),
  HannWindow: unary(samples),
  Constant: operator([0, 0], [1, 1], constant, "not sparse_value"),
  ConstantOfShape: unary(constantOfShape),
  Shape: unary(shape),
  Size: unary(() => [{ elementType: "int64", shape: [] }]),
  Range: operator([3, 3], [1, 1], range),
  EyeLike: likeInput,
  RandomNormal: operator([0, 0], [1, 1], stated),
  RandomUniform: operator([0, 0], [1, 1], stated),
  RandomNormalLike: likeInput,
  RandomUniformLike: likeInput,
  Bernoulli: likeInput,
  Multinomial: unary(multinomial),
} as const satisfies OperatorTable;

/** Control flow: bodies decide. `If` is the join of its branches; Loop and Scan say what they declare. */
const open: Rule = () => [];

export const controlOperators = {
  If: operator([1, 1], [1, many], open, "both branches inferred and joined"),
  Loop: operator([2, many], [1, many], open, "as declared; the body from its declared inputs"),
  Scan: operator([1, many], [1, many], open, "as declared; the body from its declared inputs"),
} as const satisfies OperatorTable;
