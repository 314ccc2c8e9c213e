/** Between real numbers and integers: the shape stays, the zero point (or an attribute) decides the type. */
import { type ElementType, elementTypeOf } from "../graph/index.ts";
import { equalSize } from "./dimension.ts";
import { axisOf, type OperatorTable, operator, type Rule, type RuleContext } from "./rule.ts";

const quantize: Rule = (context) => {
  checkScale(context);
  return [{ elementType: quantizedType(context), shape: context.shape(0) }];
};

function quantizedType(context: RuleContext): ElementType | null {
  if (context.has(2)) return context.elementType(2);
  return elementTypeOf(context.node.int("output_dtype", 0)) ?? "uint8";
}

const dequantize: Rule = (context) => {
  checkScale(context);
  const stated = elementTypeOf(context.node.int("output_dtype", 0));
  return [{ elementType: stated ?? context.elementType(1), shape: context.shape(0) }];
};

/** One scale for all, one for each slice of an axis, or one for each block of an axis. */
function checkScale(context: RuleContext): void {
  const data = context.shape(0);
  const scale = context.shape(1);
  if (!data || scale?.length !== 1 || scale[0] === 1 || context.node.int("block_size", 0) > 0) return;
  const axis = axisOf(context, context.node.int("axis", 1), data.length);
  equalSize(context, `scales and axis ${axis}`, scale[0]!, data[axis]!);
}

const dynamic: Rule = (context) => [
  { elementType: "uint8", shape: context.shape(0) },
  { elementType: "float32", shape: [] },
  { elementType: "uint8", shape: [] },
];

export const quantisationOperators = {
  QuantizeLinear: operator([2, 3], [1, 1], quantize),
  DequantizeLinear: operator([2, 3], [1, 1], dequantize),
  DynamicQuantizeLinear: operator([1, 1], [3, 3], dynamic),
} as const satisfies OperatorTable;
