/** A predictor over a session of others: images one by one, run by whoever joins them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModelBytes, tensorType, Value } from "@cupel/onnx";
import { openPredictor } from "@cupel/predict";
import { openSession } from "@cupel/runtime";
import { createImageReader, type ImageBatch, type RawImage } from "@cupel/vision";
import { noise, noiseImages, plain } from "./support/images.ts";
import { colourClassifier, modelOf, node } from "./support/models.ts";

async function batchOf(images: readonly RawImage[]): Promise<ImageBatch> {
  const reader = createImageReader(plain);
  const tensors = await Promise.all(images.map((image) => reader.read(image)));
  const [, ...image] = tensors[0]!.dims;
  return {
    indices: images.map((_, i) => i),
    labels: images.map(() => null),
    sizes: tensors.map(({ size }) => size),
    data: Float32Array.from(tensors.flatMap(({ data }) => [...data])),
    dims: [images.length, ...image],
  };
}

test("prepared images are predicted as those of a source, by the session that is given", async () => {
  const model = encodeModelBytes(colourClassifier());
  await using session = await openSession(model, { threads: 1 });
  const predictor = await openPredictor(model, { session, preprocessing: plain, taskName: "classification" });
  const expected: number[][] = [];
  for await (const { prediction } of predictor.predict(noiseImages(5))) expected.push([...prediction.scores]);
  const runs: number[] = [];
  const counting = {
    inputs: session.inputs,
    run: (feeds: Parameters<typeof session.run>[0]) => {
      runs.push(feeds.x!.dims[0]!);
      return session.run(feeds);
    },
  };
  const images = Array.from({ length: 5 }, (_, i) => noise(i));
  const together = await predictor.predictBatch(await batchOf(images), counting);
  assert.deepEqual(
    together.map(({ scores }) => [...scores]),
    expected,
  );
  assert.deepEqual(runs, [5]);
  await predictor.close();
  await session.warmUp();
});

test("inputs beside the image are fed in a session that is given too", async () => {
  const model = modelOf((made, x) => {
    const scale = made.graph.add(new Value("scale", tensorType("float32", ["N", 1])));
    made.graph.inputs.push(scale);
    const means = node(made, "Flatten", "means", node(made, "GlobalAveragePool", "pool", x));
    return node(made, "Mul", "y", means, scale);
  });
  const bytes = encodeModelBytes(model);
  await using session = await openSession(bytes, { threads: 1 });
  const inputs = { scale: { type: "float32" as const, dims: [1, 1], data: Float32Array.of(2) } };
  const options = { session, inputs, preprocessing: plain, taskName: "classification" as const };
  await using predictor = await openPredictor(bytes, options);
  const [first] = await predictor.predictBatch(await batchOf([noise(0), noise(1)]), session);
  await using plainly = await openPredictor(encodeModelBytes(colourClassifier()), {
    preprocessing: plain,
    taskName: "classification",
    threads: 1,
  });
  const [once] = await plainly.predictBatch(await batchOf([noise(0)]));
  assert.deepEqual(
    [...first!.scores],
    [...once!.scores].map((score) => 2 * score),
  );
});

test("outputs that would not be told apart are run image by image", async () => {
  // The mean of each channel over all images of a run: nothing says which image it is of.
  const model = encodeModelBytes(
    modelOf((made, x) => {
      const [mean] = made.graph.append({
        opType: "ReduceMean",
        name: "mean",
        inputs: [x],
        outputs: ["mean"],
        attributes: { axes: { kind: "ints", value: [0, 2, 3] }, keepdims: { kind: "int", value: 0 } },
      }).outputs;
      return mean!;
    }),
  );
  await using predictor = await openPredictor(model, {
    preprocessing: plain,
    taskName: "features",
    threads: 1,
  });
  const alone = [];
  for (const image of [noise(0), noise(1)]) {
    const [prediction] = await predictor.predictBatch(await batchOf([image]));
    alone.push([...prediction![0]!.values]);
  }
  const together = await predictor.predictBatch(await batchOf([noise(0), noise(1)]));
  assert.deepEqual(
    together.map((prediction) => [...prediction[0]!.values]),
    alone,
  );
});
