/**
 * The float network as a teacher: its logits for the very images that the student is about to see, as they were augmented.
 * A run of it costs a fraction of a step, and nothing has to be kept.
 */
import { cloneModel, type Model, removeDeadCode, runPasses } from "@cupel/onnx";
import { endsInSoftmax, fedDims, imageInputOf, imagesPerRun } from "@cupel/predict";
import { float32Of } from "@cupel/runtime";
import type { TrainingBatch } from "@cupel/vision";
import { type OpenTunedOptions, openTuned } from "./calibrate/open-tuned.ts";
import { joinFloats } from "./join-floats.ts";

export interface Teacher extends AsyncDisposable {
  /** Of the first output: [N, classes] where it is of classes. */
  logits(batch: TrainingBatch): Promise<Float32Array>;
}

/** @param model left as it is */
export async function openTeacher(model: Model, options: OpenTunedOptions): Promise<Teacher> {
  const { session, ...opened } = await openTuned(() => givingLogits(model), options);
  const input = imageInputOf(session.inputs);
  return {
    async logits({ data, dims }) {
      const [count] = dims;
      const size = data.length / count;
      const atOnce = imagesPerRun(input, dims, count);
      const parts: Float32Array[] = [];
      for (let from = 0; from < count; from += atOnce) {
        const many = Math.min(atOnce, count - from);
        const [, ...sizes] = dims;
        const fed = data.subarray(from * size, (from + many) * size);
        const outputs = await session.run({
          [input.name]: { type: "float32", dims: fedDims(input, [many, ...sizes]), data: fed },
        });
        parts.push(float32Of(Object.values(outputs)[0]!));
      }
      return parts.length === 1 ? parts[0]! : joinFloats(parts);
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** A Softmax at the end is left out, as the trainer does with the student's. */
function givingLogits(model: Model): Model {
  const logits = cloneModel(model);
  const { outputs } = logits.graph;
  outputs.splice(1);
  const last = outputs[0]!.producer!;
  if (endsInSoftmax(logits) && last.is("Softmax")) outputs[0] = last.input(0)!;
  runPasses(logits, [removeDeadCode]);
  return logits;
}

/** The class each row has most of: what an image without a label is taken for. */
export function classesOfLogits(logits: Float32Array, count: number): Int32Array {
  const classes = logits.length / count;
  return Int32Array.from({ length: count }, (_, image) => {
    const row = logits.subarray(image * classes, (image + 1) * classes);
    return row.reduce((best, score, at) => (score > row[best]! ? at : best), 0);
  });
}
