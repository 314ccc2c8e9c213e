/** Models that crash the engine, grow or never end, and that pass the engine's own checks. */
import { attribute, encodeModelBytes, Tensor, tensorType, type Value } from "@cupel/onnx";
import { emptyModel, input, slowModel } from "./tiny-models.ts";

/** One operator whose second input is blank, which the engine reads all the same. */
export function blankInput(opType: string): Uint8Array {
  const model = emptyModel();
  const x = input(model, "x", "float32", [1, 3]);
  const type = tensorType("float32", [1, 3]);
  model.graph.outputs.push(model.graph.append({ opType, inputs: [x, null], outputs: ["y"], type }).output);
  return encodeModelBytes(model);
}

/** A constant of 4 kB, joined with itself 19 times: 2 GB as soon as the engine folds it. */
export function doubling(): Uint8Array {
  const model = emptyModel();
  const { graph } = model;
  const x = input(model, "x", "float32", [1]);
  let value: Value = graph.addConstant("c", Tensor.float32([1024], new Float32Array(1024)));
  for (let i = 0; i < 19; i++) {
    const inputs = [value, value];
    const attributes = { axis: attribute.int(0) };
    value = graph.append({ opType: "Concat", inputs, outputs: [`c${i}`], attributes }).output;
  }
  const type = tensorType("float32", ["n"]);
  graph.outputs.push(graph.append({ opType: "Add", inputs: [value, x], outputs: ["y"], type }).output);
  return encodeModelBytes(model);
}

/** x, which is [1], repeated to 1.2 GB: nothing that loading could tell, the size comes with the run. */
export function expanding(): Uint8Array {
  const model = emptyModel();
  const { graph } = model;
  const x = input(model, "x", "float32", [1]);
  const shape = graph.addConstant("shape", Tensor.int64([1], [3e8]));
  const large = graph.append({ opType: "Expand", inputs: [x, shape], outputs: ["large"] }).output;
  const y = graph.append({
    opType: "ReduceMax",
    inputs: [large],
    outputs: ["y"],
    type: tensorType("float32", [1]),
  });
  graph.outputs.push(y.output);
  return encodeModelBytes(model);
}

/** A kilobyte that is no model any more. */
export function damaged(): Uint8Array {
  const bytes = slowModel(20);
  return bytes.map((byte, i) => (i % 7 === 3 ? byte ^ 0x55 : byte));
}

/** Of each kind one, with the code that it ends in within 250 MB; the one that never ends, within 1.2 s. */
export const hostileModels: readonly (readonly [code: string, bytes: () => Uint8Array])[] = [
  ["MODEL_CRASHED_ENGINE", () => blankInput("Sum")],
  ["MODEL_CRASHED_ENGINE", () => blankInput("Max")],
  ["MODEL_OVER_MEMORY", doubling],
  ["MODEL_OVER_MEMORY", expanding],
  ["MODEL_OVER_TIME", () => slowModel(3000)],
  ["MODEL_LOAD_FAILED", damaged],
];
