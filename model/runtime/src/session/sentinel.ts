/**
 * Keeps the binding from copying what the engine wrote into our buffers.
 *
 * When a run has ended, onnxruntime-node 1.30 turns the fetched outputs into JavaScript values one after the
 * other, in the graph's order, and copies each, even one that the engine wrote into memory we gave it. For a
 * trained network that costs several times what its update does. It turns no sequence into a value: it
 * throws. So a graph that keeps state gets an empty sequence as its first output. Where every output has a
 * buffer of ours, the sentinel is fetched as well; the binding then throws when all of them are written and
 * none is copied.
 *
 * Nothing rests on it: a binding that returned sequences or threw in other words would copy again.
 */
import type { Model } from "@cupel/onnx";

export const sentinelName = "cupel_sentinel";

/** `SequenceEmpty` is an operator since opset 11; an older graph goes without. */
export function addSentinel(model: Model): void {
  if ((model.opsets.get("") ?? 0) < 11) return;
  const { output } = model.graph.append({ opType: "SequenceEmpty", inputs: [], outputs: [sentinelName] });
  model.graph.outputs.unshift(output);
}

/** Whether a run threw because it met the sentinel, that is, after it had succeeded. */
export function metSentinel(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.message === "Non tensor type is temporarily not supported.";
}
