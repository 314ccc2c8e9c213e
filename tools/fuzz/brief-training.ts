/** A training of a moment, for checkpoints to be made by and resumed. */
import { Model, Tensor, tensorType, Value } from "@cupel/onnx";
import { fit } from "@cupel/train";
import { INSPECTION_CLASSES, preprocessingFor, syntheticInspection } from "@cupel/vision";

/** From the checkpoint at `path` where there is one. */
export async function trainBriefly(path: string, epochs: number): Promise<void> {
  await fit(smallestNetwork(), {
    train: syntheticInspection({ count: 14 }),
    validation: 0.5,
    preprocessing: preprocessingFor(["N", 3, 4, 4]),
    batch: 4,
    epochs,
    schedule: { kind: "constant", learningRate: 0.01 },
    optimiser: { kind: "sgd" },
    threads: 1,
    loader: { workers: 0 },
    checkpoint: { path, resume: true },
  });
}

/** Means of three channels, and a linear classifier. */
function smallestNetwork(): Model {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  const { graph } = model;
  const images = graph.add(new Value("images", tensorType("float32", ["N", 3, 4, 4])));
  graph.inputs.push(images);
  const classes = INSPECTION_CLASSES.length;
  const weight = graph.addConstant(
    "weight",
    Tensor.float32([3, classes], new Float32Array(3 * classes).fill(0.1)),
  );
  const bias = graph.addConstant("bias", Tensor.float32([classes], new Float32Array(classes)));
  const means = graph.append({ opType: "GlobalAveragePool", inputs: [images], outputs: ["means"] });
  const rows = graph.append({ opType: "Flatten", inputs: [means.output], outputs: ["rows"] });
  const logits = graph.append({ opType: "Gemm", inputs: [rows.output, weight, bias], outputs: ["logits"] });
  logits.output.type = tensorType("float32", ["N", classes]);
  graph.outputs.push(logits.output);
  return model;
}
