/** Matrix products. Broadcast batch axes in front, the two last axes multiplied (numpy.matmul). */
import type { Dimension, ElementType, Shape } from "../graph/index.ts";
import { broadcastShapes, equalSize, mergeDimensions, ofRank } from "./dimension.ts";
import { many, type OperatorTable, operator, type Rule, type RuleContext } from "./rule.ts";

const gemm: Rule = (context) => {
  const [a0, a1] = pairOf(ofRank(context, 0, 2), context.node.int("transA", 0) === 1);
  const [b0, b1] = pairOf(ofRank(context, 1, 2), context.node.int("transB", 0) === 1);
  equalSize(context, "inner sizes", a1, b0);
  const added = context.shape(2);
  // C broadcasts to the product, never the other way.
  const last = added?.at(-1);
  if (typeof last === "number" && last !== 1) equalSize(context, "columns of the product and of C", b1, last);
  return [{ elementType: context.elementType(0), shape: [a0, b1] }];
};

function pairOf(shape: readonly Dimension[], transposed: boolean): readonly [Dimension, Dimension] {
  const [rows = null, columns = null] = shape;
  return transposed ? [columns, rows] : [rows, columns];
}

/** @param b position of the right factor. */
function matMul(b: number, type: (context: RuleContext) => ElementType | null): Rule {
  return (context) => [
    { elementType: type(context), shape: matMulShape(context, context.shape(0), context.shape(b)) },
  ];
}

function matMulShape(context: RuleContext, left: Shape, right: Shape): Shape {
  if (left === null || right === null) return null;
  if (left.length === 0 || right.length === 0) throw context.conflict("a scalar is no matrix");
  // A vector is a matrix of one row (left) or one column (right), and that axis is dropped again.
  const a = left.length === 1 ? [1, ...left] : left;
  const b = right.length === 1 ? [...right, 1] : right;
  equalSize(context, "inner sizes", a.at(-1)!, b.at(-2)!);
  const batch = broadcastShapes(context, [a.slice(0, -2), b.slice(0, -2)]) ?? [];
  return [...batch, ...(left.length === 1 ? [] : [a.at(-2)!]), ...(right.length === 1 ? [] : [b.at(-1)!])];
}

/** Letters name axes; those behind the arrow remain. An ellipsis is left open. */
const einsum: Rule = (context) => {
  const equation = context.node.string("equation", "").replaceAll(" ", "");
  const elementType = context.elementType(0);
  if (equation.includes(".")) return [{ elementType, shape: null }];
  const [left = "", right] = equation.split("->");
  const sizes = new Map<string, Dimension>();
  for (const [index, letters] of left.split(",").entries()) {
    const shape = ofRank(context, index, letters.length);
    for (const [axis, letter] of [...letters].entries()) {
      const size = mergeDimensions(sizes.get(letter) ?? null, shape[axis]!);
      if (size === undefined) throw context.conflict(`axis "${letter}" of ${equation} has two sizes`);
      sizes.set(letter, size);
    }
  }
  // Without an arrow: letters that occur once, in alphabetical order.
  const once = [...sizes.keys()].filter((letter) => left.split(letter).length === 2).sort();
  const kept = right === undefined ? once : [...right];
  return [{ elementType, shape: kept.map((letter) => sizes.get(letter) ?? null) }];
};

export const linearAlgebraOperators = {
  Gemm: operator([2, 3], [1, 1], gemm),
  MatMul: operator(
    [2, 2],
    [1, 1],
    matMul(1, (context) => context.elementType(0)),
  ),
  MatMulInteger: operator(
    [2, 4],
    [1, 1],
    matMul(1, () => "int32"),
  ),
  QLinearMatMul: operator(
    [8, 8],
    [1, 1],
    matMul(3, (context) => context.elementType(7)),
  ),
  Einsum: operator([1, many], [1, 1], einsum, "not with an ellipsis"),
} as const satisfies OperatorTable;
