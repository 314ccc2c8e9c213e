/** The model that a comparison of protocols is served by. */
import { encodeModelBytes, Model, tensorType, Value } from "@cupel/onnx";

/** y = x, float32 of any length: what a request costs beside its way is little, and the answer is as large as the question. */
export function echoModel(): Uint8Array {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  const type = tensorType("float32", ["n"]);
  const x = model.graph.add(new Value("x", type));
  model.graph.inputs.push(x);
  model.graph.outputs.push(
    model.graph.append({ opType: "Identity", inputs: [x], outputs: ["y"], type }).output,
  );
  return encodeModelBytes(model);
}
