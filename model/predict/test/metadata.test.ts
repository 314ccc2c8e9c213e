/** What a model says of itself, written and read back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModel, Model, readModel, tensorType, Value } from "@cupel/onnx";
import {
  choosePreprocessing,
  classesFromMetadata,
  metadataPixelLimit,
  preprocessingFromMetadata,
  writeMetadata,
} from "@cupel/predict";
import { type Preprocessing, preprocessingFor } from "@cupel/vision";
import { refused } from "./support/refused.ts";

const preprocessing = preprocessingFor(["N", 3, 224, 224]);
const classes = ["T-shirt/top", '"quoted"', "日本"];

test("preprocessing and class names come back from the bytes of a model as they were", () => {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 13]]) });
  writeMetadata(model, { preprocessing, classes });
  const { metadata } = readModel(Buffer.concat(encodeModel(model)));
  assert.deepEqual([...metadata.keys()], ["cupel.preprocessing", "cupel.labels"]);
  assert.deepEqual(preprocessingFromMetadata(metadata), preprocessing);
  assert.deepEqual(classesFromMetadata(metadata), classes);
});

test("class names that are not given leave those that are there, and other entries stay", () => {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 13]]) });
  model.metadata.set("author", "someone");
  writeMetadata(model, { preprocessing, classes });
  writeMetadata(model, { preprocessing: { ...preprocessing, scale: 1 }, classes: null });
  assert.equal(preprocessingFromMetadata(model.metadata)?.scale, 1);
  assert.deepEqual(classesFromMetadata(model.metadata), classes);
  assert.equal(model.metadata.get("author"), "someone");
});

test("absence is null, not an error", () => {
  assert.equal(preprocessingFromMetadata(new Map()), null);
  assert.equal(classesFromMetadata(new Map()), null);
});

test("malformed entries are refused by their key", async () => {
  const entry = (key: string, text: string) => new Map([[key, text]]);
  await refused(
    () => preprocessingFromMetadata(entry("cupel.preprocessing", "{")),
    "METADATA_INVALID",
    /cupel.preprocessing is not JSON/,
  );
  await refused(
    () => preprocessingFromMetadata(entry("cupel.preprocessing", "{}")),
    "PREPROCESSING_INVALID",
    /metadata cupel.preprocessing/,
  );
  for (const text of ["[1]", "{}", "null"]) {
    await refused(
      () => classesFromMetadata(entry("cupel.labels", text)),
      "METADATA_INVALID",
      /cupel.labels must be/,
    );
  }
});

test("metadata that asks for images over the limit is refused by its key, and goes behind what is given in full", async () => {
  const side = Math.floor(Math.sqrt(metadataPixelLimit));
  const model = (metadata: Readonly<Record<string, string>>) => {
    const made = new Model({
      irVersion: 8,
      opsets: new Map([["", 13]]),
      metadata: new Map(Object.entries(metadata)),
    });
    made.graph.inputs.push(made.graph.add(new Value("x", tensorType("float32", ["n", 3, "h", "w"]))));
    return { model: made, inputShape: ["n", 3, "h", "w"] };
  };
  const sized = (width: number, height: number, resize: Preprocessing["resize"] = { kind: "stretch" }) =>
    model({ "cupel.preprocessing": JSON.stringify({ ...preprocessing, width, height, resize }) });
  const ultralytics = (size: number) =>
    model({ task: "detect", stride: "32", names: "{0: 'a'}", imgsz: `[${size}, ${size}]` });
  const tooLarge = [
    sized(side + 1, side + 1),
    sized(16384, metadataPixelLimit / 16384 + 1),
    sized(8, 8, { kind: "short-side", size: side + 1 }),
    ultralytics(side + 1),
  ];
  for (const each of tooLarge) {
    await refused(
      () => choosePreprocessing(each, undefined),
      "METADATA_TOO_LARGE",
      /imgsz|cupel\.preprocessing/,
    );
    assert.equal(choosePreprocessing(each, "preset=imagenet").preprocessing.width <= 224, true);
  }
  for (const each of [sized(side, side), sized(metadataPixelLimit / 16384, 16384), ultralytics(side)]) {
    assert.equal(choosePreprocessing(each, undefined).origin, "metadata");
  }
});
