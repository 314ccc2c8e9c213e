/** Loss and accuracy of a model as it would be written, in an ordinary session with constant weights. */
import { encodeModel, type Model } from "@cupel/onnx";
import { float32Of, openStatefulSession } from "@cupel/runtime";
import { type BatchesOptions, batches, type ImageSource, type Preprocessing } from "@cupel/vision";
import type { TrainerOptions } from "../trainer/trainer.ts";

export interface ValidateOptions
  extends Pick<TrainerOptions, "open" | "threads" | "executionProviders" | "signal">,
    Pick<BatchesOptions, "onBroken" | "strict"> {
  /** Images a run, where the model leaves it open. */
  readonly batch: number;
}

export interface Validation {
  /** Mean cross-entropy, natural logarithm. */
  readonly loss: number;
  /** Share of the images that could be read. */
  readonly accuracy: number;
}

/** @throws IMAGES_UNREADABLE, CANCELLED, and what the session throws */
export async function validate(
  model: Model,
  images: ImageSource,
  preprocessing: Preprocessing,
  options: ValidateOptions,
): Promise<Validation> {
  const { threads, executionProviders, signal, strict, onBroken, open = openStatefulSession } = options;
  await using session = await open(encodeModel(model), { threads, executionProviders, signal, state: [] });
  const [input] = session.inputs;
  const fixed = input!.dims[0];
  const size = typeof fixed === "number" ? fixed : options.batch;
  // A network that ends in Softmax gives probabilities, whose logarithms are logits too.
  const isProbability = model.graph.outputs[0]?.producer?.is("Softmax") ?? false;
  let [loss, correct, count] = [0, 0, 0];
  for await (const { data, dims, labels } of batches(images, preprocessing, {
    batchSize: size,
    strict,
    signal,
    onBroken,
  })) {
    // A fixed batch is filled up with black images, whose predictions are not looked at.
    const all = dims[0] === size || fixed !== size ? data : new Float32Array((data.length / dims[0]) * size);
    if (all !== data) all.set(data);
    const shape = [all.length / (data.length / dims[0]), ...dims.slice(1)];
    const feed = { type: "float32" as const, dims: shape, data: all };
    const outputs = await session.run({ [input!.name]: feed }, { transfer: true });
    const values = float32Of(outputs[session.outputs[0]!.name]!);
    const logits = isProbability ? values.map(Math.log) : values;
    const classes = logits.length / shape[0]!;
    labels.forEach((label, row) => {
      const scores = logits.subarray(row * classes, (row + 1) * classes);
      const { top, logSum } = summary(scores);
      loss += logSum - scores[label!]!;
      if (top === label) correct++;
    });
    count += labels.length;
  }
  return { loss: loss / count, accuracy: correct / count };
}

/** The first of the highest scores, and log(sum(exp(scores))). */
function summary(scores: Float32Array): { top: number; logSum: number } {
  let top = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[top]!) top = i;
  const highest = scores[top]!;
  const sum = scores.reduce((total, score) => total + Math.exp(score - highest), 0);
  return { top, logSum: highest + Math.log(sum) };
}
