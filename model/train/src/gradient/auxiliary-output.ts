/**
 * What the forward pass knows and its gradient needs: the positions of maxima, the statistics of a batch.
 * The operator offers them as optional outputs; a node that does not give them yet is made to.
 */
import { type Dims, type ElementType, tensorType, type Value } from "@cupel/onnx";
import type { GradientContext } from "../gradient-rule.ts";

/** Output `index` of the forward node, added to it when left out. All outputs before it MUST exist. */
export function auxiliaryOutput(
  { node, emit }: GradientContext,
  index: number,
  elementType: ElementType,
  dims: Dims,
): Value {
  const held = node.outputs[index];
  if (held && held.name !== "") return held;
  const made = emit.model.graph.newValue(`${node.output.name}_${index}`, tensorType(elementType, dims));
  node.setOutput(index, made);
  return made;
}
