/**
 * What a gradient rule is: from one node of the forward graph and the gradients of the loss with respect
 * to its outputs, it emits the nodes that compute the gradients with respect to its inputs.
 *
 * Rules see static shapes only and emit operators of the standard domain in the form they have from
 * operator set 18 on, so that one rule serves every model and the stock engine runs the result.
 */
import type { CupelError } from "@cupel/base";
import type { Emitter, Node, Value } from "@cupel/onnx";

export interface GradientContext {
  /** The node of the forward graph. */
  readonly node: Node;
  readonly emit: Emitter;
  /** Input `index` of the node, which MUST be there; `node.input(index)` may be null. */
  input(index: number): Value;
  output(index?: number): Value;
  /** The gradient with respect to output `index` (default 0): the shape of that output; null when the loss does not depend on it. */
  incoming(index?: number): Value | null;
  /** Whether the gradient of input `index` leads to anything wanted: expensive ones are left out otherwise. */
  wants(index: number): boolean;
  /** The error for a form of the operator that the rule does not cover, such as cubic interpolation. */
  unsupported(reason: string): CupelError;
}

/**
 * One entry an input, in order, each of the shape of that input; null for none. The walk calls a rule only
 * when at least one output has an incoming gradient; operators with one differentiable output may rely on
 * `incoming()` being there.
 */
export type GradientRule = (context: GradientContext) => readonly (Value | null)[];

/** Rules by operator of the standard domain. */
export type GradientTable = Readonly<Record<string, GradientRule>>;

/** The incoming gradient of an operator with one differentiable output. */
export function incomingOf(context: GradientContext): Value {
  const incoming = context.incoming(0);
  if (incoming === null) throw context.unsupported("only its first output can be differentiated");
  return incoming;
}

/**
 * The elements of an input that was once an attribute (axes, starts, pads): a gradient's graph depends on them,
 * so they must be constants. Null when it is left out. `what` names it in the error.
 */
export function constantInput(
  { node, unsupported }: GradientContext,
  index: number,
  what: string,
): readonly number[] | null {
  const input = node.input(index);
  if (input === null) return null;
  if (!input.constant) throw unsupported(`its ${what} are not constant`);
  return input.constant.toNumbers();
}
