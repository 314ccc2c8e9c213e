/** Rules of operators with one differentiable input, written as the formula of its gradient. */
import type { Emitter, Node, Value } from "@cupel/onnx";
import { type GradientRule, incomingOf } from "../gradient-rule.ts";

export interface Formula {
  readonly emit: Emitter;
  readonly node: Node;
  /** The gradient with respect to y. */
  readonly dy: Value;
  readonly x: Value;
  readonly y: Value;
}

/** y = f(x): the formula returns the gradient with respect to x. Prefer y to x: it is at hand, f is computed once. */
export const unary =
  (formula: (terms: Formula) => Value): GradientRule =>
  (context) => {
    const { emit, node } = context;
    return [formula({ emit, node, dy: incomingOf(context), x: context.input(0), y: context.output() })];
  };
