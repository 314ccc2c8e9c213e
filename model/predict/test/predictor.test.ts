/** A model file answers images with nothing but the file; what is given goes before what it says. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { encodeModel, type Model, Value, writeModelFile } from "@cupel/onnx";
import { writeMetadata } from "@cupel/predict";
import type { UnreadableImage } from "@cupel/vision";
import { openClassifier } from "./support/classifier.ts";
import { channelMeans, noise, noiseImages, plain, strongest } from "./support/images.ts";
import { colourClassifier, constantScores, modelOf, node } from "./support/models.ts";
import { refused } from "./support/refused.ts";

const colours = ["red", "green", "blue"];

/** As `fit` and `compress` leave a model. */
function described(model: Model): Model {
  writeMetadata(model, { preprocessing: plain, classes: colours });
  return model;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const softmaxOf = (values: readonly number[], index: number) =>
  Math.exp(values[index]!) / values.reduce((sum, value) => sum + Math.exp(value), 0);

test("a file says how it is fed and what its predictions are called", async () => {
  await using folder = await openTemporaryFolder("predictor");
  const path = join(folder.path, "colours.onnx");
  await writeModelFile(described(colourClassifier()), path);
  await using predictor = await openClassifier(path, { threads: 1 });
  assert.deepEqual(predictor.preprocessing, plain);
  assert.deepEqual(predictor.classes, colours);
  assert.equal(predictor.task.name, "classification");
  assert.deepEqual(predictor.origin, { task: "guessed", preprocessing: "metadata", classes: "metadata" });
  const found = await all(predictor.predict(noiseImages(40)));
  assert.deepEqual(
    found.map(({ index, id }) => [index, id]),
    Array.from({ length: 40 }, (_, i) => [i, `noise ${i}`]),
  );
  for (const { index, prediction } of found) {
    const means = channelMeans(index);
    const expected = strongest(means);
    assert.equal(prediction.classIndex, expected);
    assert.equal(prediction.className, colours[expected]);
    assert.ok(Math.abs(prediction.probability - softmaxOf(means, expected)) < 1e-5);
    assert.ok(means.every((mean, i) => Math.abs(mean - prediction.scores[i]!) < 1e-5));
  }
});

test("the bytes of a model do as well, and their task may be written in them", async () => {
  const model = colourClassifier();
  writeMetadata(model, { preprocessing: plain, task: "classification" });
  await using predictor = await openClassifier(encodeModel(model), { threads: 1 });
  assert.deepEqual(predictor.origin, { task: "metadata", preprocessing: "metadata", classes: null });
  const [first] = await all(predictor.predict(noiseImages(1)));
  assert.equal(first?.prediction.classIndex, strongest(channelMeans(0)));
  assert.equal(first?.prediction.className, null);
});

test("what is given goes before what the file says, and leaves the rest of it", async () => {
  const model = encodeModel(described(colourClassifier()));
  await using predictor = await openClassifier(model, {
    threads: 1,
    preprocessing: "colour=bgr",
    classes: ["bleu", "vert", "rouge"],
  });
  assert.deepEqual(predictor.origin, { task: "guessed", preprocessing: "given", classes: "given" });
  assert.deepEqual(predictor.preprocessing, { ...plain, colour: "bgr" });
  for (const { index, prediction } of await all(predictor.predict(noiseImages(10)))) {
    assert.equal(prediction.className, ["rouge", "vert", "bleu"][strongest(channelMeans(index))]);
  }
  await using whole = await openClassifier(model, { threads: 1, preprocessing: { ...plain, scale: 1 } });
  assert.equal(whole.preprocessing.scale, 1);
});

test("a model that says nothing is guessed at, and that is said", async () => {
  await using predictor = await openClassifier(encodeModel(colourClassifier()), { threads: 1 });
  assert.deepEqual(predictor.origin, { task: "guessed", preprocessing: "guessed", classes: null });
  assert.equal(predictor.classes, null);
  assert.equal(predictor.preprocessing.width, 8);
  assert.equal((await all(predictor.predict(noiseImages(3)))).length, 3);
});

test("a model for a fixed number of images predicts each image once", async () => {
  const fixed = encodeModel(described(colourClassifier([4, 3, 8, 8])));
  await using predictor = await openClassifier(fixed, { threads: 1 });
  assert.equal(predictor.file.fixedBatch, 4);
  const found = await all(predictor.predict(noiseImages(10)));
  assert.deepEqual(
    found.map(({ prediction }) => prediction.classIndex),
    found.map(({ index }) => strongest(channelMeans(index))),
  );
  assert.equal(found.length, 10);
});

test("scores that are probabilities stay what they are", async () => {
  const model = encodeModel(described(colourClassifier(["N", 3, 8, 8], "softmax")));
  await using predictor = await openClassifier(model, { threads: 1 });
  const [first] = await all(predictor.predict(noiseImages(1)));
  const means = channelMeans(0);
  assert.ok(Math.abs(first!.prediction.probability - softmaxOf(means, strongest(means))) < 1e-5);
});

test("evaluation counts by the labels, and two evaluations are compared by the task", async () => {
  const model = encodeModel(described(colourClassifier()));
  const images = noiseImages(20, { label: (index) => (index < 15 ? strongest(channelMeans(index)) : 0) });
  const right = Array.from({ length: 20 }, (_, i) => images.label(i) === strongest(channelMeans(i)));
  await using predictor = await openClassifier(model, { threads: 1 });
  await using swapped = await openClassifier(model, { threads: 1, preprocessing: "colour=bgr" });
  const before = await predictor.evaluate(images);
  assert.equal(before.top1, right.filter((each) => each).length / 20);
  const difference = predictor.task.compare(before, await swapped.evaluate(images));
  const greens = Array.from({ length: 20 }, (_, i) => i).filter((i) => strongest(channelMeans(i)) === 1);
  assert.equal(difference.agreement.value, greens.length / 20, "green stays green");
});

describe("work", () => {
  const model = () => openClassifier(encodeModel(described(colourClassifier())), { threads: 1 });

  test("can be cancelled while it predicts, and the predictor goes on", async () => {
    await using predictor = await model();
    const controller = new AbortController();
    const seen: number[] = [];
    await refused(
      async () => {
        const options = { signal: controller.signal, batchSize: 2 };
        for await (const { index } of predictor.predict(noiseImages(50), options)) {
          seen.push(index);
          if (index === 3) controller.abort();
        }
      },
      "CANCELLED",
      /cancelled/,
    );
    assert.deepEqual(seen, [0, 1, 2, 3]);
    const stopped = AbortSignal.abort();
    await refused(() => predictor.evaluate(noiseImages(5), { signal: stopped }), "CANCELLED");
    assert.equal((await all(predictor.predict(noiseImages(5)))).length, 5);
  });

  test("can be cancelled while the model is opened", async () => {
    const source = encodeModel(colourClassifier());
    await refused(() => openClassifier(source, { signal: AbortSignal.abort() }), "CANCELLED");
  });

  test("can be left early", async () => {
    await using predictor = await model();
    for await (const { index } of predictor.predict(noiseImages(50))) if (index === 1) break;
    assert.equal((await all(predictor.predict(noiseImages(5)))).length, 5);
  });

  test("tells its progress in images", async () => {
    await using predictor = await model();
    let done = 0;
    const advance = (count = 1) => {
      done += count;
    };
    const task = { advance, note() {}, [Symbol.dispose]() {} };
    const started: unknown[] = [];
    const progress = {
      start(...told: unknown[]) {
        started.push(told);
        return task;
      },
    };
    await all(predictor.predict(noiseImages(50), { progress }));
    assert.deepEqual([started, done], [[["Predicting", 50, "images"]], 50]);
  });

  test("leaves out images that cannot be read, and names them", async () => {
    await using predictor = await model();
    const damaged = noiseImages(4, {
      image: async (index) =>
        index === 2 ? { kind: "encoded", bytes: Buffer.from("no image") } : noise(index),
    });
    const unreadable: UnreadableImage[] = [];
    const found = await all(predictor.predict(damaged, { onUnreadable: (image) => unreadable.push(image) }));
    assert.deepEqual(
      found.map(({ index }) => index),
      [0, 1, 3],
    );
    assert.deepEqual(
      unreadable.map(({ id }) => id),
      ["noise 2"],
    );
    assert.equal((await predictor.evaluate(damaged)).unreadable.length, 1);
    await refused(() => all(predictor.predict(damaged, { strict: true })), "IMAGES_UNREADABLE", /noise 2/);
  });

  test("ends with the predictor", async () => {
    const predictor = await model();
    await predictor.close();
    await refused(() => all(predictor.predict(noiseImages(1))), "SESSION_CLOSED");
  });
});

describe("what is refused", () => {
  const open = (model: Model, options: Parameters<typeof openClassifier>[1] = {}) => {
    return openClassifier(encodeModel(model), { threads: 1, ...options });
  };

  test("preprocessing for another input", async () => {
    const model = described(colourClassifier());
    await refused(
      () => open(model, { preprocessing: "crop=16" }),
      "INPUT_SHAPE_MISMATCH",
      /\[N, 3, 16, 16\]/,
    );
  });

  test("class names that are not as many as the classes", async () => {
    await refused(
      () => open(described(colourClassifier()), { classes: ["a"] }),
      "LABELS_MISMATCH",
      /1 class names .* 3 classes/,
    );
  });

  test("a model of two inputs", async () => {
    const model = modelOf((each, x) => {
      const other = each.graph.add(new Value("other", x.type));
      each.graph.inputs.push(other);
      return node(each, "Add", "sum", x, other);
    });
    await refused(() => open(model), "INPUT_UNSUPPORTED", /"x" .*"other"/);
  });

  test("a task that nobody knows", async () => {
    const model = colourClassifier();
    writeMetadata(model, { preprocessing: plain, task: "divination" });
    await refused(() => open(model), "TASK_UNKNOWN", /"divination".*classification/);
  });

  test("labels that are no classes, before an image is read", async () => {
    await using predictor = await open(constantScores([1, 2, 3]));
    let read = 0;
    const images = noiseImages(5, {
      label: (index) => index,
      image: async (index) => {
        read++;
        return noise(index);
      },
    });
    await refused(() => predictor.evaluate(images), "LABELS_MISMATCH");
    assert.equal(read, 0);
  });
});

test("metadata that cannot be read stops nothing that is given instead", async () => {
  const entry = (key: string, text: string) => {
    const model = described(colourClassifier());
    model.metadata.set(key, text);
    return encodeModel(model);
  };
  const fed = entry("cupel.preprocessing", "{");
  await refused(() => openClassifier(fed), "METADATA_INVALID", /--preprocessing with a preset/);
  await refused(
    () => openClassifier(fed, { preprocessing: "resize=none" }),
    "METADATA_INVALID",
    /cupel.preprocessing is not JSON/,
  );
  for (const preprocessing of [plain, "preset=raw,resize=none", "scale=1,mean=0,std=1,resize=none"]) {
    await using predictor = await openClassifier(fed, { preprocessing, threads: 1 });
    assert.equal(predictor.origin.preprocessing, "given");
    assert.deepEqual(predictor.classes, colours);
  }
  const named = entry("cupel.labels", "red, green, blue");
  await refused(() => openClassifier(named), "METADATA_INVALID", /--classes FILE/);
  for (const options of [{ classes: colours }, { classesOtherwise: colours }]) {
    await using predictor = await openClassifier(named, {
      ...options,
      findWith: noiseImages(4),
      threads: 1,
    });
    assert.deepEqual(predictor.classes, colours);
    assert.deepEqual(predictor.origin, { task: "guessed", preprocessing: "metadata", classes: "given" });
  }
});

test("names for want of the model's own do not go before them", async () => {
  await using predictor = await openClassifier(encodeModel(described(colourClassifier())), {
    classesOtherwise: ["a", "b", "c"],
    threads: 1,
  });
  assert.deepEqual(predictor.classes, colours);
  assert.equal(predictor.origin.classes, "metadata");
  assert.equal(predictor.classCount, 3);
});
