/**
 * Operators that can be computed before the model runs: those of shape arithmetic. The same table serves
 * shape inference (small tensors, symbols allowed) and constant folding (all elements known).
 */
import { elementCount } from "@cupel/base";
import { type ElementType, isStatic } from "../graph/index.ts";
import { axisOf, reductionAxes } from "../operator/axes.ts";
import type { Inferred, RuleContext } from "../operator/context.ts";
import { shapeRange, slicePositions, slicesOf } from "../operator/slices.ts";
import {
  applyBinary,
  applyUnary,
  type BinaryRow,
  binaryRows,
  castCell,
  type UnaryRow,
  unaryRows,
} from "./arithmetic.ts";
import { type Cell, cellOf, dimensionOf, type Elements, elementsOf, wrap } from "./elements.ts";
import { broadcast, joined, selected, transposed } from "./positions.ts";

export interface EvaluationContext extends RuleContext {
  /** Null when not known, too large or of a type not computed with. */
  contents(index: number): Elements | null;
  /** What the shape rule said of the outputs. */
  readonly inferred: readonly (Inferred | null)[];
}

/** The contents of the outputs, in order; null when they cannot be told. */
export type Evaluation = (context: EvaluationContext) => readonly (readonly Cell[] | null)[] | null;

/** Concats with unknown parts are followed up to this many elements: targets of Reshape, not activations. */
const longestGappy = 64;

const unaries = Object.entries<UnaryRow>(unaryRows).map(([name, row]) => [name, unary(row)] as const);
const binaries = Object.entries<BinaryRow>(binaryRows).map(([name, row]) => [name, binary(row)] as const);

const evaluations = new Map<string, Evaluation>([
  ...unaries,
  ...binaries,
  ["Cast", (context) => cast(context, context.inferred[0]?.elementType ?? null)],
  ["CastLike", (context) => cast(context, context.elementType(1))],
  ["Where", where],
  ["Constant", constant],
  ["Shape", shape],
  ["Size", size],
  ["ConstantOfShape", constantOfShape],
  ["Range", range],
  ["Identity", sameCells],
  ["Reshape", sameCells],
  ["Flatten", sameCells],
  ["Squeeze", sameCells],
  ["Unsqueeze", sameCells],
  ["Transpose", transpose],
  ["Expand", expand],
  ["Slice", slice],
  ["Gather", gather],
  ["Concat", concat],
  ["Split", split],
  ["ReduceProd", reduceProd],
]);

export const evaluatedOperators: ReadonlySet<string> = new Set(evaluations.keys());

/** One entry an output, null where unknown. Contents are only told where the shape is known. */
export function evaluate(context: EvaluationContext): readonly (Elements | null)[] {
  const cells = evaluations.get(context.node.opType)?.(context) ?? [];
  return context.inferred.map((inferred, index) => {
    const held = cells[index];
    if (!held || !inferred?.elementType || !isStatic(inferred.shape)) return null;
    return { type: inferred.elementType, dims: inferred.shape, cells: held };
  });
}

/** The static shape of an output. */
function outputDims(context: EvaluationContext, index = 0): readonly number[] | null {
  const found = context.inferred[index]?.shape ?? null;
  return isStatic(found) ? found : null;
}

function unary(row: UnaryRow): Evaluation {
  return (context) => {
    const held = context.contents(0);
    return held && [held.cells.map((cell) => applyUnary(row, held.type, cell))];
  };
}

/** Variadic Max and Min fold from the left. */
function binary(row: BinaryRow): Evaluation {
  return (context) => {
    const dims = outputDims(context);
    if (!dims || context.node.int("fmod", 0) === 1) return null;
    let result: readonly Cell[] | null = null;
    for (const index of context.node.inputs.keys()) {
      const operand = context.contents(index);
      if (!operand) return null;
      const cells: readonly Cell[] = broadcast(operand.dims, dims).map(
        (position) => operand.cells[position]!,
      );
      result = result ? result.map((cell, i) => applyBinary(row, operand.type, cell, cells[i]!)) : cells;
    }
    return [result];
  };
}

function cast(context: EvaluationContext, to: ElementType | null): ReturnType<Evaluation> {
  const held = context.contents(0);
  return held && to && [held.cells.map((cell) => castCell(to, cell))];
}

function where(context: EvaluationContext): ReturnType<Evaluation> {
  const dims = outputDims(context);
  const [condition, yes, no] = [0, 1, 2].map((index) => context.contents(index));
  if (!dims || !condition || !yes || !no) return null;
  const [asked, ifYes, ifNo] = [condition, yes, no].map(({ dims: own, cells }) =>
    broadcast(own, dims).map((position) => cells[position]!),
  );
  return [asked!.map((cell, i) => (cell === 1n ? ifYes![i]! : cell === 0n ? ifNo![i]! : null))];
}

function constant(context: EvaluationContext): ReturnType<Evaluation> {
  const { node } = context;
  const tensor = node.tensor("value");
  const held = tensor && elementsOf(tensor);
  if (held) return [held.cells];
  for (const each of node.attributes.values()) {
    if (each.kind === "int") return [[BigInt(each.value)]];
    if (each.kind === "ints") return [each.value.map(BigInt)];
    if (each.kind === "float") return [[Math.fround(each.value)]];
    if (each.kind === "floats") return [each.value.map(Math.fround)];
  }
  return null;
}

function shape(context: EvaluationContext): ReturnType<Evaluation> {
  const data = context.shape(0);
  return data && [data.slice(...shapeRange(context.node, data.length)).map(cellOf)];
}

function size(context: EvaluationContext): ReturnType<Evaluation> {
  const data = context.shape(0);
  return isStatic(data) ? [[BigInt(elementCount(data))]] : null;
}

function constantOfShape(context: EvaluationContext): ReturnType<Evaluation> {
  const dims = outputDims(context);
  const tensor = context.node.tensor("value");
  const filler = tensor ? (elementsOf(tensor)?.cells[0] ?? null) : 0;
  return dims && filler !== null ? [Array.from({ length: elementCount(dims) }, () => filler)] : null;
}

function range(context: EvaluationContext): ReturnType<Evaluation> {
  const dims = outputDims(context);
  const start = context.contents(0);
  const first = start?.cells[0];
  const step = context.contents(2)?.cells[0];
  if (!dims || !start) return null;
  if (typeof first === "bigint" && typeof step === "bigint") {
    return [Array.from({ length: dims[0]! }, (_, i) => wrap(start.type, first + BigInt(i) * step))];
  }
  // Floats are left to the engine, which may add up its own way.
  return null;
}

function sameCells(context: EvaluationContext): ReturnType<Evaluation> {
  const held = context.contents(0);
  return held && [held.cells];
}

function moved(held: Elements, positions: readonly number[]): readonly Cell[] {
  return positions.map((position) => held.cells[position]!);
}

function transpose(context: EvaluationContext): ReturnType<Evaluation> {
  const held = context.contents(0);
  if (!held) return null;
  const reversed = held.dims.map((_, axis) => held.dims.length - 1 - axis);
  return [moved(held, transposed(held.dims, context.node.ints("perm") ?? reversed))];
}

function expand(context: EvaluationContext): ReturnType<Evaluation> {
  const held = context.contents(0);
  const dims = outputDims(context);
  return held && dims && [moved(held, broadcast(held.dims, dims))];
}

function allOf(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function slice(context: EvaluationContext): ReturnType<Evaluation> {
  const held = context.contents(0);
  const slices = held && slicesOf(context, held.dims.length);
  if (!slices) return null;
  const chosen: (readonly number[])[] = held.dims.map(allOf);
  for (const each of slices) {
    const positions = slicePositions(held.dims[each.axis]!, each);
    if (!positions) return null;
    chosen[each.axis] = positions;
  }
  return [moved(held, selected(held.dims, chosen))];
}

function gather(context: EvaluationContext): ReturnType<Evaluation> {
  const held = context.contents(0);
  const wanted = context.contents(1)?.cells.map(dimensionOf);
  if (!held || !wanted) return null;
  const axis = axisOf(context, context.node.int("axis", 0), held.dims.length);
  const length = held.dims[axis]!;
  const indices: number[] = [];
  for (const each of wanted) {
    if (typeof each !== "number") return null;
    const index = each < 0 ? each + length : each;
    if (index < 0 || index >= length)
      throw context.conflict(`index ${each} is outside axis ${axis} of size ${length}`);
    indices.push(index);
  }
  const chosen: (readonly number[])[] = held.dims.map(allOf);
  chosen[axis] = indices;
  return [moved(held, selected(held.dims, chosen))];
}

/** An input nothing is known of leaves a gap in a short list: the rest of a target still counts. */
function concat(context: EvaluationContext): ReturnType<Evaluation> {
  const dims = outputDims(context);
  if (!dims) return null;
  const shapes: (readonly number[])[] = [];
  const cells: Cell[] = [];
  for (const index of context.node.inputs.keys()) {
    const shape = context.shape(index);
    const held = context.contents(index);
    if (!isStatic(shape) || (!held && elementCount(dims) > longestGappy)) return null;
    shapes.push(shape);
    // Not spread into push: there may be more elements than a call takes arguments.
    for (let i = 0; i < elementCount(shape); i++) cells.push(held ? held.cells[i]! : null);
  }
  const axis = axisOf(context, context.node.int("axis", 0), dims.length);
  return [joined(shapes, axis).map((position) => cells[position]!)];
}

function split(context: EvaluationContext): ReturnType<Evaluation> {
  const held = context.contents(0);
  if (!held) return null;
  const axis = axisOf(context, context.node.int("axis", 0), held.dims.length);
  let begin = 0;
  return context.inferred.map((_, index) => {
    const length = outputDims(context, index)?.[axis];
    if (length === undefined) return null;
    const from = begin;
    begin += length;
    const chosen = held.dims.map((each, i) =>
      i === axis ? allOf(length).map((at) => at + from) : allOf(each),
    );
    return moved(held, selected(held.dims, chosen));
  });
}

/** Of everything at once, as exporters count elements, or of nothing. */
function reduceProd(context: EvaluationContext): ReturnType<Evaluation> {
  const held = context.contents(0);
  const axes = held && reductionAxes(context, held.dims.length);
  if (!held || !axes) return null;
  if (axes.length === 0) return [held.cells];
  if (new Set(axes).size < held.dims.length || held.cells.length === 0) return null;
  return [[held.cells.reduce((a, b) => applyBinary(binaryRows.Mul, held.type, a, b))]];
}
