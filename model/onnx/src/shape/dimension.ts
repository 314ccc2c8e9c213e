/**
 * Arithmetic of sizes that may be symbolic. A result is only given where it holds for every value the
 * symbols may take: "N" times 1 is "N", "N" times 2 is unknown (ONNX has no way to write 2N).
 */
import type { Dimension, Shape } from "../graph/index.ts";
import { type RuleContext, unknownOfRank } from "./rule.ts";

/** Two things known of one size. Undefined when they cannot both be true. */
export function mergeDimensions(a: Dimension, b: Dimension): Dimension | undefined {
  if (typeof a === "number" && typeof b === "number") return a === b ? a : undefined;
  if (typeof b === "number") return b;
  return a ?? b;
}

/** Shapes of tensors combined element by element, right aligned, 1 stretching (numpy's rule, ONNX Broadcasting.md). */
export function broadcastShapes(context: RuleContext, shapes: readonly Shape[]): Shape {
  let result: readonly Dimension[] = [];
  for (const shape of shapes) {
    if (shape === null) return null;
    const rank = Math.max(result.length, shape.length);
    const left: readonly Dimension[] = result;
    result = Array.from({ length: rank }, (_, i) => {
      const size = broadcastDimensions(at(left, i - rank), at(shape, i - rank));
      if (size === undefined) {
        throw context.conflict(`sizes ${at(left, i - rank)} and ${at(shape, i - rank)} do not broadcast`);
      }
      return size;
    });
  }
  return result;
}

/** From the end; 1 beyond the start, as broadcasting fills it. */
function at(shape: readonly Dimension[], fromEnd: number): Dimension {
  const size = shape.at(fromEnd);
  return size === undefined || -fromEnd > shape.length ? 1 : size;
}

function broadcastDimensions(a: Dimension, b: Dimension): Dimension | undefined {
  if (a === 1) return b;
  if (b === 1 || a === b) return a;
  if (typeof a === "number" && typeof b === "number") return undefined;
  // In a valid model a size that meets a number other than 1 is that number or 1.
  if (typeof a === "number") return a;
  if (typeof b === "number") return b;
  return null;
}

export function product(sizes: readonly Dimension[]): Dimension {
  return quotient(sizes, []);
}

/**
 * Product of `whole` over product of `parts`: the size a Reshape leaves for its -1. Equal symbols cancel.
 * Null when it cannot be told, undefined when it is no whole number.
 */
export function quotientOf(whole: readonly Dimension[], parts: readonly Dimension[]): Dimension | undefined {
  const symbols: string[] = [];
  let above = 1;
  for (const size of whole) {
    if (size === null) return null;
    if (typeof size === "string") symbols.push(size);
    else above *= size;
  }
  let below = 1;
  for (const size of parts) {
    if (size === null) return null;
    if (typeof size === "number") {
      below *= size;
      continue;
    }
    const found = symbols.indexOf(size);
    if (found < 0) return null;
    symbols.splice(found, 1);
  }
  if (below === 0) return null;
  if (symbols.length === 0) return above % below === 0 ? above / below : undefined;
  return symbols.length === 1 && above === below ? symbols[0]! : above === 0 ? 0 : null;
}

function quotient(whole: readonly Dimension[], parts: readonly Dimension[]): Dimension {
  return quotientOf(whole, parts) ?? null;
}

/** A size that grows by a known amount. */
export function plus(size: Dimension, amount: number): Dimension {
  if (amount === 0) return size;
  return typeof size === "number" ? size + amount : null;
}

export function times(size: Dimension, factor: number): Dimension {
  if (factor === 1) return size;
  return typeof size === "number" ? size * factor : null;
}

/** @throws SHAPE_CONFLICT when two sizes that must be equal are not. */
export function equalSize(context: RuleContext, what: string, a: Dimension, b: Dimension): Dimension {
  const merged = mergeDimensions(a, b);
  if (merged === undefined) throw context.conflict(`${what}: ${a} and ${b} differ`);
  return merged;
}

/** The given shape, or as many unknown sizes. @throws SHAPE_CONFLICT when its rank is another. */
export function ofRank(context: RuleContext, index: number, rank: number): readonly Dimension[] {
  const shape = context.shape(index);
  if (shape === null) return unknownOfRank(rank);
  if (shape.length !== rank) {
    throw context.conflict(`input ${index} must have ${rank} dimensions, not ${shape.length}`);
  }
  return shape;
}
