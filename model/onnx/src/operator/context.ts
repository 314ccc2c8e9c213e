/**
 * What is known of a node before it runs: the ground that shape rules and evaluation stand on. Both cover
 * every operator set: where an input was once an attribute (`axes`, `pads`, `split`, ...), whichever the
 * node carries is read.
 */
import type { CupelError } from "@cupel/base";
import type { Dimension, ElementType, Node, Shape } from "../graph/index.ts";

/** Indices are positions among the node's inputs. */
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

/** What is said of an output. */
export interface Inferred {
  readonly elementType: ElementType | null;
  readonly shape: Shape;
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
