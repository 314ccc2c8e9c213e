/** Resize and its predecessor Upsample: sizes given outright or as factors (ONNX Resize, operator sets 10 to 19). */
import type { Dimension } from "../graph/index.ts";
import { axisOf, type OperatorTable, operator, type Rule, type RuleContext, unknownOfRank } from "./rule.ts";

const resize: Rule = (context) => {
  const elementType = context.elementType(0);
  const data = context.shape(0);
  if (!data) return [{ elementType, shape: null }];
  const given = context.node.ints("axes");
  const axes = given?.map((axis) => axisOf(context, axis, data.length)) ?? data.map((_, axis) => axis);
  const targets = targetsOf(
    context,
    axes.map((axis) => data[axis]!),
  );
  const shape = [...data];
  if (!targets) {
    for (const axis of axes) shape[axis] = null;
    return [{ elementType, shape }];
  }
  if (targets.length !== axes.length)
    throw context.conflict(`${targets.length} sizes or scales for ${axes.length} axes`);
  for (const [i, axis] of axes.entries()) shape[axis] = targets[i]!;
  return [{ elementType, shape }];
};

function targetsOf(context: RuleContext, sizes: readonly Dimension[]): readonly Dimension[] | null {
  const { node } = context;
  const isStretched = node.string("keep_aspect_ratio_policy", "stretch") === "stretch";
  const isCropped = node.string("coordinate_transformation_mode", "") === "tf_crop_and_resize";
  const stated = context.has(3) ? context.elements(3) : null;
  if (context.has(3)) return isStretched ? stated : null;
  // Two inputs: data and scales. More: a region of interest stands between them.
  const scales = context.elements(context.opset < 11 ? 1 : 2);
  return scales && !isCropped ? scaled(sizes, scales) : null;
}

const upsample: Rule = (context) => {
  const elementType = context.elementType(0);
  const data = context.shape(0);
  const held = context.node.attributes.get("scales");
  const scales = held?.kind === "floats" ? held.value : context.elements(1);
  return [{ elementType, shape: data && (scales ? scaled(data, scales) : unknownOfRank(data.length)) }];
};

function scaled(sizes: readonly Dimension[], scales: readonly Dimension[]): Dimension[] {
  return scales.map((scale, i) => {
    const size = sizes[i] ?? null;
    if (scale === 1) return size;
    // In float32, as the engine multiplies.
    return typeof size === "number" && typeof scale === "number"
      ? Math.floor(Math.fround(size * scale))
      : null;
  });
}

export const resizingOperators = {
  Resize: operator([1, 4], [1, 1], resize, "unknown when the aspect ratio is kept or a region cropped"),
  Upsample: operator([1, 2], [1, 1], upsample),
} as const satisfies OperatorTable;
