/** A task that is in no table goes through the same predictor: what a new row has to fill in, and no more. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModel } from "@cupel/onnx";
import { type EvaluatedImages, openPredictor, type Task } from "@cupel/predict";
import { float32Of } from "@cupel/runtime";
import { channelMeans, noiseImages, plain } from "./support/images.ts";
import { colourClassifier } from "./support/models.ts";

interface Features extends EvaluatedImages {
  readonly vectors: readonly Float32Array[];
}

interface FeatureDifference {
  readonly meanCosine: number;
}

/** The values of the first output as they are; without labels; compared by their angle. */
const angles: Task<Float32Array, Features, FeatureDifference> = {
  name: "angles",
  recognises: ({ outputs }) => outputs[0]?.type === "float32",
  recognisedBy: "its first output is float32",
  labelsFrom: null,
  classCount: () => null,
  reader({ outputs: [output] }) {
    const name = output!.name;
    return {
      fetches: [name],
      read(tensors, { indices }) {
        const values = float32Of(tensors[name]!);
        const size = values.length / indices.length;
        return indices.map((_, i) => values.subarray(i * size, (i + 1) * size));
      },
    };
  },
  evaluation() {
    const indices: number[] = [];
    const vectors: Float32Array[] = [];
    return {
      add(index, vector) {
        indices.push(index);
        vectors.push(vector);
      },
      result: (unreadable) => ({ indices, vectors, unreadable }),
    };
  },
  compare(first, second) {
    const cosines = first.vectors.map((a, i) => cosine(a, second.vectors[i]!));
    return { meanCosine: cosines.reduce((sum, each) => sum + each, 0) / cosines.length };
  },
  figures: () => [],
  differences: () => [],
};

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>) =>
    Array.from(x, (value, i) => value * y[i]!).reduce((sum, each) => sum + each, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

test("a task of one's own reads, measures and compares outputs", async () => {
  const model = encodeModel(colourClassifier());
  const options = { threads: 1, task: angles };
  await using predictor = await openPredictor(model, { ...options, preprocessing: plain });
  assert.equal(predictor.origin.task, "given");
  for await (const { index, prediction } of predictor.predict(noiseImages(5))) {
    assert.ok(channelMeans(index).every((mean, i) => Math.abs(mean - prediction[i]!) < 1e-5));
  }
  await using swapped = await openPredictor(model, {
    ...options,
    preprocessing: { ...plain, colour: "bgr" },
  });
  const images = noiseImages(40);
  const [a, b] = [await predictor.evaluate(images), await swapped.evaluate(images)];
  assert.ok(Math.abs(predictor.task.compare(a, a).meanCosine - 1) < 1e-12);
  const expected = Array.from({ length: 40 }, (_, i) => channelMeans(i)).map((means) =>
    cosine(means, means.toReversed()),
  );
  const mean = expected.reduce((sum, each) => sum + each, 0) / expected.length;
  assert.ok(Math.abs(predictor.task.compare(a, b).meanCosine - mean) < 1e-5);
});
