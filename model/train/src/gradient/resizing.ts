/**
 * Gradient of Resize, nearest and linear, at any scale: interpolation takes fixed shares of fixed elements,
 * so that its gradient is a product with constant matrices, made here from the coordinate formulas of the
 * operator (https://onnx.ai/onnx/operators/onnx__Resize.html). Coordinates are float32, as in the engine.
 */
import { own } from "@cupel/base";
import { fromStart, type Value } from "@cupel/onnx";
import { type GradientContext, type GradientRule, type GradientTable, incomingOf } from "../gradient-rule.ts";
import { type AxisMap, transposeMaps } from "./separable.ts";

/** One axis: the scale is the one given, else outputs / size. */
interface Scaling {
  readonly size: number;
  readonly outputs: number;
  readonly scale: number;
}

const f32 = Math.fround;

const halfPixel = (x: number, { scale }: Scaling): number => f32(f32((x + 0.5) / scale) - 0.5);

/** From a position in the output to one in the input, by `coordinate_transformation_mode`. */
const coordinates: Readonly<Record<string, (x: number, scaling: Scaling) => number>> = {
  half_pixel: halfPixel,
  pytorch_half_pixel: (x, scaling) => (scaling.outputs > 1 ? halfPixel(x, scaling) : 0),
  half_pixel_symmetric: (x, scaling) => {
    const { size, outputs, scale } = scaling;
    return f32((size / 2) * (1 - outputs / (scale * size)) + halfPixel(x, scaling));
  },
  align_corners: (x, { size, outputs }) => (outputs > 1 ? f32((x * (size - 1)) / (outputs - 1)) : 0),
  asymmetric: (x, { scale }) => f32(x / scale),
};

/** Which element is nearest, by `nearest_mode`. */
const roundings: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Elements of the input and their shares. */
type Shares = readonly (readonly [input: number, weight: number])[];

const resize: GradientRule = (context) => {
  const { emit, node, input, output, unsupported } = context;
  const mode = node.string("mode", "nearest");
  const transformation = node.string("coordinate_transformation_mode", "half_pixel");
  const rounding = own(roundings, node.string("nearest_mode", "round_prefer_floor"));
  const coordinate = own(coordinates, transformation);
  if (mode !== "nearest" && mode !== "linear") throw unsupported(`${mode} interpolation is not covered`);
  if (!coordinate) throw unsupported(`coordinate_transformation_mode ${transformation} is not covered`);
  if (!rounding) throw unsupported("its nearest_mode is unknown");
  if (node.int("antialias", 0) === 1) throw unsupported("antialias is not covered");
  if (node.string("keep_aspect_ratio_policy", "stretch") !== "stretch") {
    throw unsupported("a kept aspect ratio is not covered");
  }
  const [sizes, targets] = [emit.dims(input(0)), emit.dims(output())];
  const scales = scalesOf(context, sizes, targets);
  const maps = sizes.map((size, axis): AxisMap => {
    const scaling = { size, outputs: targets[axis]!, scale: scales[axis]! };
    const last = size - 1;
    const shares = (x: number) =>
      mode === "nearest" ? [[clamp(rounding(x), last), 1] as const] : between(clamp(x, last), last);
    return mapOf(axis, scaling, (x) => shares(scaling.scale === 1 ? x : coordinate(x, scaling)));
  });
  return [transposeMaps(emit, incomingOf(context), maps)];
};

function mapOf(axis: number, { size, outputs }: Scaling, shares: (x: number) => Shares): AxisMap {
  const entries = Array.from({ length: outputs }, (_, x) =>
    shares(x).flatMap(([input, weight]) => (weight === 0 ? [] : [[x, input, weight] as const])),
  );
  return { axis, size, outputs, entries: entries.flat() };
}

function between(x: number, last: number): Shares {
  const left = Math.floor(x);
  const share = f32(x - left);
  return [
    [left, 1 - share],
    [Math.min(left + 1, last), share],
  ];
}

const clamp = (x: number, last: number): number => Math.min(Math.max(x, 0), last);

/** One an axis. The scales given stay in force where they do not divide evenly. */
function scalesOf(
  { node, unsupported }: GradientContext,
  sizes: readonly number[],
  targets: readonly number[],
): number[] {
  const result = sizes.map((size, axis) => f32(targets[axis]! / size));
  const given = node.input(2);
  if (given === null || given.shape?.[0] === 0) return result;
  const stated = constantOf(given);
  if (!stated) throw unsupported("its scales are not constant");
  const axes = node.ints("axes") ?? sizes.map((_, axis) => axis);
  for (const [index, axis] of axes.entries()) {
    result[fromStart(axis, sizes.length)] = stated[index]!;
  }
  return result;
}

function constantOf(value: Value): readonly number[] | null {
  const tensor = value.constant ?? (value.producer?.is("Constant") ? value.producer.tensor("value") : null);
  return tensor?.toNumbers() ?? null;
}

export const resizingGradients: GradientTable = { Resize: resize };
