/**
 * A graph that takes the same inputs as another and does nothing with them: what the engine itself costs
 * in memory (its code, threads and arena, and the feeds) before any weight or activation.
 */
import { type ElementType, Model, tensorType, Value } from "@cupel/onnx";

/** One `Shape` node an input; that operator takes every type. IR 8 and opset 17 are read by any engine. */
export function idleModel(like: Model): Model {
  const idle = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  for (const input of like.graph.inputs) {
    if (input.constant || input.type?.kind !== "tensor") continue;
    const type: ElementType = input.type.elementType;
    const value = idle.graph.add(new Value(input.name, tensorType(type, input.type.shape)));
    idle.graph.inputs.push(value);
    const node = idle.graph.append({ opType: "Shape", inputs: [value], type: tensorType("int64", [null]) });
    idle.graph.outputs.push(node.output);
  }
  return idle;
}
