/** Types and shapes of the values of an optimised graph, which the engine writes without them, as the trace of a run has them. */
import { own } from "@cupel/base";
import { type ElementType, elementTypes, type Model, tensorType } from "@cupel/onnx";
import type { TraceEvent } from "./trace.ts";

/** Where the trace has a name of its own for an element type. */
const traced: Readonly<Record<string, ElementType>> = { float: "float32", double: "float64" };

/**
 * The nodes of a run come in the order of the graph. Where an operator is not the one that is there, as after a branch that
 * was not taken, what it makes and all that follows stays as it is.
 */
export function setTracedTypes(model: Model, events: readonly TraceEvent[]): void {
  const nodes = [...model.graph.nodes];
  const run = events
    .filter(({ cat, name, args }) => cat === "Node" && name.endsWith("_kernel_time") && args !== undefined)
    .toSorted((a, b) => a.ts - b.ts);
  for (const [at, node] of nodes.entries()) {
    const { op_name: opType, output_type_shape: outputs = [] } = run[at]?.args ?? {};
    if (opType !== node.opType) return;
    for (const [position, value] of node.outputs.entries()) {
      const [found] = Object.entries(outputs[position] ?? {});
      const type = found && (own(traced, found[0]) ?? elementTypeNamed(found[0]));
      if (found && type) value.type = tensorType(type, [...found[1]]);
    }
  }
}

function elementTypeNamed(name: string): ElementType | null {
  return Object.keys(elementTypes).find((each): each is ElementType => each === name) ?? null;
}
