/**
 * What the shape table is made of. One row an operator of the standard domain: how many inputs and
 * outputs it may have (the loosest of all operator sets from 7 on), and the rule that tells the types of
 * its outputs from those of its inputs. A rule covers every operator set.
 */
import type { Dimension } from "../graph/index.ts";
import type { Inferred, RuleContext } from "../operator/context.ts";

export { axisOf, reductionAxes } from "../operator/axes.ts";
export { type Inferred, type RuleContext, type Setting, setting } from "../operator/context.ts";

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

/** As many unknown sizes. */
export function unknownOfRank(rank: number): Dimension[] {
  return Array.from({ length: rank }, () => null);
}
