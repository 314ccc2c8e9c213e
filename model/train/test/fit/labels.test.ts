/** Images to train and to validate with meet the network's classes by name; a validation never judges other classes. */
import assert from "node:assert/strict";
import test from "node:test";
import { classesFromMetadata, writeMetadata } from "@cupel/predict";
import { type FitOptions, fit, networkForImages } from "@cupel/train";
import { type ImageSource, subset } from "@cupel/vision";
import { small, smallNetwork } from "./small-training.ts";
import { preprocessing, stripes } from "./stripes.ts";

const network = () => smallNetwork({ width: 8 });
const names = ["across", "down", "chequered"];

const settings: FitOptions = {
  ...small,
  train: stripes(96),
  epochs: 2,
  schedule: { kind: "constant", learningRate: 0.05 },
};
const judging = stripes(48, { seed: 2 });

/** The same images with their names in this order. */
function reordered(source: ImageSource, order: readonly string[]): ImageSource {
  return { ...source, classes: order, label: (index) => order.indexOf(names[index % 3]!) };
}

const accuracies = async (options: Partial<FitOptions>) => {
  const { history, labels, notes } = await fit(network(), { ...settings, ...options });
  return { labels, notes, found: history.map(({ validationAccuracy }) => validationAccuracy) };
};
const straight = accuracies({ validation: judging });

test("images to validate with meet the names of those to train with, in any order", async () => {
  const { found, labels, notes } = await straight;
  assert.ok(found[1]! > 0.9, `${found}`);
  assert.deepEqual([labels, notes], ["name", []]);
  const other = await accuracies({
    validation: reordered(judging, ["chequered", "across", "nothing", "down"]),
  });
  assert.deepEqual(other, { found, labels, notes });
});

test("a part of the classes validates those classes", async () => {
  const part = subset(
    judging,
    Array.from({ length: 48 }, (_, i) => i).filter((i) => i % 3 > 0),
  );
  const one = await accuracies({ validation: part });
  const other = await accuracies({
    validation: { ...part, classes: ["chequered", "down"], label: (i) => (part.label(i) === 1 ? 1 : 0) },
  });
  assert.deepEqual(other.found, one.found);
});

test("a renamed class to validate with is refused, with both lists", async () => {
  const validation = { ...judging, classes: ["across", "down", "checkered"] };
  await assert.rejects(
    fit(network(), { ...settings, validation }),
    /"checkered" is nearly "chequered".*3 apart: "across", "down", "chequered"/,
  );
});

test("numbers to validate with meet names by their order, which is said; numbers throughout need no word", async () => {
  const numbers = { ...judging, classes: null };
  const mixed = await accuracies({ validation: numbers });
  assert.equal(mixed.labels, "index");
  assert.match(mixed.notes.join(), /numbers, not names/);
  const all = await accuracies({ train: { ...stripes(96), classes: null }, validation: numbers });
  assert.deepEqual([all.labels, all.notes, all.found], ["index", [], (await straight).found]);
});

test("a model that is trained further keeps its classes, whatever the order of the images'", async () => {
  const model = network();
  const own = ["down", "chequered", "across"];
  writeMetadata(model, { preprocessing, classes: own });
  const options = { ...settings, validation: judging };
  const result = await fit(model, {
    ...options,
    train: reordered(stripes(96), ["chequered", "down", "across"]),
  });
  assert.deepEqual(classesFromMetadata(result.model.metadata), own);
  assert.ok(result.history[1]!.validationAccuracy! > 0.9, `${result.history[1]!.validationAccuracy}`);
  await assert.rejects(
    fit(model, { ...options, train: { ...stripes(96), classes: ["a", "down", "across"] } }),
    /1 class that the model does not have: "a"\. .*3 apart: "down", "chequered", "across"/,
  );
});

const labelled = (labels: readonly number[]) =>
  subset({ ...stripes(48), classes: null, label: (index) => labels[index % labels.length]! }, [0, 1, 2, 3]);
const build = (spec: string, labels: readonly number[]) =>
  networkForImages(spec, labelled(labels), { seed: 1 });
const spec = "resnetCifar:depth=8,width=4";

test("labels without names that leave gaps say no number of classes", async () => {
  await assert.rejects(
    build(spec, [1, 2]),
    /2 different labels between 1 and 2, .* label 0.*from 0 without gaps/,
  );
  await assert.rejects(build(spec, [7, 1000]), /between 7 and 1000, .* classes=1001/);
  await assert.rejects(build(spec, [0, 1, 3]), /label 2/);
  const few = labelled([0]);
  const many = { ...few, length: 300_000, label: (i: number) => i + 1, image: () => few.image(0) };
  await assert.rejects(
    networkForImages(spec, many, { seed: 1 }),
    /300000 different labels between 1 and 300000/,
  );
});

test("labels from 0 without gaps do, and so does a number of classes that is given", async () => {
  const classesIn = async (...given: Parameters<typeof build>) =>
    (await build(...given)).network.graph.outputs[0]?.shape?.[1];
  assert.equal(await classesIn(spec, [2, 0, 1]), 3);
  assert.equal(await classesIn(`${spec},classes=4`, [1, 2]), 4);
});
