/**
 * What the shape table is made of. One row an operator of the standard domain: how many inputs and
 * outputs it may have (the loosest of all operator sets from 7 on), and the rule that tells the types of
 * its outputs from those of its inputs. A rule covers every operator set: where an input was once an
 * attribute (`axes`, `pads`, `split`, ...), whichever the node carries is read.
 */
import type { CupelError } from "@cupel/base";
import type { ElementType } from "../graph/element-type.ts";
import type { Node } from "../graph/node.ts";
import type { Dimension, Shape } from "../graph/value-type.ts";

/** What a rule knows of the node in hand. Indices are positions among the node's inputs. */
export interface RuleContext {
  readonly node: Node;
  /** Version of the standard operator set. */
  readonly opset: number;
  has(index: number): boolean;
  /** Null when absent or of unknown rank. */
  shape(index: number): Shape;
  elementType(index: number): ElementType | null;
  /**
   * Elements of a small tensor, such as the target of a Reshape, so far as they are known: a number, the
   * name of the dimension it came from, or null. Null when nothing is known, not even how many.
   */
  elements(index: number): readonly Dimension[] | null;
  /** The error to throw when inputs do not go together: names the node, its inputs and their shapes. */
  conflict(reason: string): CupelError;
}

export interface Inferred {
  readonly elementType: ElementType | null;
  readonly shape: Shape;
}

/** One entry an output, in order; null for one nothing can be said of. Surplus entries are ignored. */
export type Rule = (context: RuleContext) => readonly (Inferred | null)[];

/** Least and greatest count. */
export type Arity = readonly [least: number, most: number];

export const many = Number.POSITIVE_INFINITY;

export interface Operator {
  readonly inputs: Arity;
  readonly outputs: Arity;
  readonly infer: Rule;
  /** What the rule leaves open, for the table in docs/operators.md. */
  readonly note?: string;
}

export type OperatorTable = Readonly<Record<string, Operator>>;

export function operator(inputs: Arity, outputs: Arity, infer: Rule, note?: string): Operator {
  return note === undefined ? { inputs, outputs, infer } : { inputs, outputs, infer, note };
}

/** One input, one output. */
export const unary = (infer: Rule, note?: string): Operator => operator([1, 1], [1, 1], infer, note);

/** The output is like input `index`. */
export function like(index: number): Rule {
  return (context) => [{ elementType: context.elementType(index), shape: context.shape(index) }];
}

/** An axis counted from the end is counted from the start. @throws SHAPE_CONFLICT outside the rank */
export function axisOf(context: RuleContext, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank) {
    throw context.conflict(`axis ${axis} does not exist in a tensor of ${rank} dimensions`);
  }
  return positive;
}

/** A list that is an attribute in older operator sets and an input in newer ones. */
export type Setting =
  | { readonly kind: "absent" }
  /** Given, but not known before the model runs. */
  | { readonly kind: "unknown" }
  | { readonly kind: "known"; readonly values: readonly number[] };

export function setting(context: RuleContext, attribute: string, input: number): Setting {
  const held = context.node.ints(attribute);
  if (held) return { kind: "known", values: held };
  if (input < 0 || !context.has(input)) return { kind: "absent" };
  const values = context.elements(input);
  return values?.every((value) => typeof value === "number")
    ? { kind: "known", values }
    : { kind: "unknown" };
}

/** As many unknown sizes. */
export function unknownOfRank(rank: number): Dimension[] {
  return Array.from({ length: rank }, () => null);
}
