/** Metadata that cannot be read: what is given goes before it, and without that the error says what to give. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModelBytes } from "@cupel/onnx";
import { metadataKeys, writeMetadata } from "@cupel/predict";
import { preprocessingFor } from "@cupel/vision";
import { classifier, cupel, prepared, type Scratch, scratch } from "./harness.ts";

const full = "preset=unit,resize=none";

/** The same weights as `prepared` writes, with an entry that says something else. */
async function withEntry(folder: Scratch, key: string, text: string) {
  const { images, labels } = await prepared(folder);
  const model = classifier();
  writeMetadata(model, {
    preprocessing: preprocessingFor([null, 1, 8, 8]),
    classes: ["circle", "square", "star"],
  });
  model.metadata.set(key, text);
  const path = await folder.write("broken.onnx", encodeModelBytes(model));
  const classes = await folder.write("names.txt", "circle\nsquare\nstar\n");
  return { model: path, images, labels, classes };
}

/** A report takes its time, so that it and a compression run to their end for the first text only. */
const isWholeRun = (text: string, [command]: readonly string[]): boolean =>
  text === "{" || command === "eval";
const runsOf = ([command]: readonly string[]): number => (command === "report" ? 1 : 2);

for (const text of ["{", "{}", "[1, 2]", '{"width": "wide"}']) {
  test(`the preprocessing ${text} stops a command, unless it is given in full`, async () => {
    await using folder = await scratch();
    const { model, images } = await withEntry(folder, metadataKeys.preprocessing, text);
    const commands = [
      ["eval", model, "--images", images],
      ["report", model, model, "--images", images, "-o", folder.at("report")],
      ["compress", model, "--images", images, "--no-report", "-o", folder.at("small.onnx")],
    ];
    for (const words of commands) {
      for (const spec of [[], ["--preprocessing", "resize=none"], ["--preprocessing", "scale=1"]]) {
        const told = await cupel(...words, ...spec);
        assert.equal(told.status, 65, told.err);
        assert.match(
          told.err,
          /error METADATA_INVALID: .*cupel\.preprocessing.*--preprocessing with a preset/,
        );
      }
      for (const spec of isWholeRun(text, words)
        ? [full, "scale=1/255,mean=0,std=1"].slice(0, runsOf(words))
        : []) {
        const told = await cupel(...words, "--preprocessing", spec);
        assert.equal(told.status, 0, told.err);
        assert.doesNotMatch(told.err, /guessed|does not say/i);
      }
    }
  });
}

for (const text of ["{", '{"0": "circle"}', '["circle", 2]', '"circle"']) {
  test(`the class names ${text} stop a command, unless --classes gives them`, async () => {
    await using folder = await scratch();
    const { model, images, labels, classes } = await withEntry(folder, metadataKeys.classes, text);
    const source = ["--images", images, "--labels", labels];
    const commands = [
      ["eval", model, ...source],
      ["report", model, model, ...source, "-o", folder.at("report")],
      ["compress", model, ...source, "--no-report", "-o", folder.at("small.onnx")],
    ];
    for (const words of commands) {
      const refused = await cupel(...words);
      assert.equal(refused.status, 65, refused.err);
      assert.match(refused.err, /error METADATA_INVALID: .*cupel\.labels.*--classes FILE/);
      if (!isWholeRun(text, words)) continue;
      const told = await cupel(...words, "--classes", classes);
      assert.equal(told.status, 0, told.err);
    }
    const told = await cupel("eval", model, ...source, "--classes", classes, "--json");
    assert.equal(JSON.parse(told.out).models[0].labels, "name");
  });
}

test("training further goes on with a model whose broken metadata is overridden", async () => {
  await using folder = await scratch();
  const { model, images, labels, classes } = await withEntry(folder, metadataKeys.classes, "{");
  const words = ["train", model, "--data", images, "--labels", labels, "--epochs", "1", "--batch", "10"];
  const refused = await cupel(...words, "-o", folder.at("trained.onnx"));
  assert.match(refused.err, /error METADATA_INVALID: .*--classes FILE/);
  const told = await cupel(...words, "--classes", classes, "-o", folder.at("trained.onnx"));
  assert.equal(told.status, 0, told.err);
  assert.match(
    (await cupel("inspect", folder.at("trained.onnx"))).out,
    /^classes +3: circle, square, star$/m,
  );
});

test("inspect shows a model whose metadata cannot be read, and says so", async () => {
  await using folder = await scratch();
  const { model } = await withEntry(folder, metadataKeys.classes, "{");
  const told = await cupel("inspect", model, "--json");
  assert.equal(told.status, 0, told.err);
  const { classes, preprocessing, remarks } = JSON.parse(told.out);
  assert.equal(classes, null);
  assert.equal(preprocessing.width, 8);
  assert.match(remarks.join(), /cupel\.labels is not JSON/);
});
