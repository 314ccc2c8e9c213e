/** Models whose predictions are known without running them. */
import { inferShapes, Model, type Shape, Tensor, tensorType, Value } from "@cupel/onnx";
import { side } from "./images.ts";

const open: Shape = ["N", 3, side, side];

/** A graph with an input "x", to which `build` adds nodes. */
export function modelOf(build: (model: Model, x: Value) => Value, shape: Shape = open): Model {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 13]]) });
  const x = model.graph.add(new Value("x", tensorType("float32", shape)));
  model.graph.inputs.push(x);
  model.graph.outputs.push(build(model, x));
  inferShapes(model);
  return model;
}

export function node(model: Model, opType: string, name: string, ...inputs: Value[]): Value {
  return model.graph.append({ opType, name, inputs, outputs: [name] }).output;
}

/** Three classes, whose scores are the means of the channels: the strongest colour is the prediction. */
export function colourClassifier(shape: Shape = open, ending: "logits" | "softmax" = "logits"): Model {
  return modelOf((model, x) => {
    const logits = node(model, "Flatten", "means", node(model, "GlobalAveragePool", "pool", x));
    return ending === "softmax" ? node(model, "Softmax", "probabilities", logits) : logits;
  }, shape);
}

/** Predicts the scores given, whatever the image: they are in the bias. */
export function constantScores(scores: readonly number[]): Model {
  return modelOf((model, x) => {
    const size = 3 * side * side;
    const weight = Tensor.float32([size, scores.length], new Float32Array(size * scores.length));
    const zeros = model.graph.addConstant("w", weight);
    const bias = model.graph.addConstant("b", Tensor.float32([scores.length], scores));
    return node(model, "Gemm", "scores", node(model, "Flatten", "flat", x), zeros, bias);
  });
}
