/** What the commands say of labels that meet classes by name, by their order, or not at all. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { encodeModelBytes } from "@cupel/onnx";
import { writeMetadata } from "@cupel/predict";
import { preprocessingFor } from "@cupel/vision";
import { runCommand } from "../src/index.ts";
import { catchingTerminal, classifier, cupel, prepared, type Scratch, scratch } from "./harness.ts";

const names = ["circle", "square", "star"];

/** A file of names, one a line. */
const listed = (folder: Scratch, name: string, classes: readonly string[]) =>
  folder.write(name, `${classes.join("\n")}\n`);

/** Images whose labels are 0, 1, 2, 0, ..., and two models with the same weights: with names and without. */
async function given(folder: Scratch) {
  const { model: nameless, images, labels } = await prepared(folder);
  const model = classifier();
  writeMetadata(model, { preprocessing: preprocessingFor([null, 1, 8, 8]), classes: names });
  return { nameless, images, labels, model: await folder.write("named.onnx", encodeModelBytes(model)) };
}

/** The same labels in a list of names that begins with the last. */
async function turned(folder: Scratch, labels: string, classes: readonly string[]) {
  const bytes = await readFile(labels);
  for (let i = 8; i < bytes.length; i++) bytes[i] = (bytes[i]! + 1) % 3;
  return {
    labels: await folder.write("turned-labels-idx1-ubyte", bytes),
    classes: await listed(folder, "turned.txt", [classes[2]!, classes[0]!, classes[1]!]),
  };
}

const byOrder = /Labels met the classes by their order, because /;

test("eval measures by name, whatever the order of the names", async () => {
  await using folder = await scratch();
  const { model, images, labels } = await given(folder);
  const evaluated = async (...words: string[]) => {
    const told = await cupel("eval", model, "--images", images, "--json", ...words);
    assert.equal(told.status, 0, told.err);
    return { ...told, first: JSON.parse(told.out).models[0] };
  };
  const straight = await evaluated("--classes", await listed(folder, "classes.list", names));
  const other = await turned(folder, labels, names);
  const again = await evaluated("--labels", other.labels, "--classes", other.classes);
  assert.deepEqual(again.first, straight.first);
  assert.equal(straight.first.labels, "name");
  assert.doesNotMatch(again.err, byOrder);
  const numbers = await evaluated();
  assert.equal(numbers.first.labels, "index");
  assert.match(numbers.err, /because the labels of the images are numbers, not names/);
});

test("a class that the model does not have stops eval, report and compress with its labels", async () => {
  await using folder = await scratch();
  const { model, images, labels } = await given(folder);
  const renamed = await listed(folder, "renamed.txt", ["cirle", "square", "star"]);
  const source = ["--images", images, "--classes", renamed];
  const out = folder.at("small.onnx");
  const commands = [
    ["eval", model, ...source],
    ["report", model, model, ...source],
    ["compress", model, ...source, "-o", out],
    ["compress", model, ...source, "--labels", labels, "-o", out],
  ];
  for (const words of commands) {
    const told = await cupel(...words);
    assert.equal(told.status, 65, `${words[0]}: ${told.err}`);
    assert.match(told.err, /error LABELS_MISMATCH: .*"cirle" is nearly "circle".*"circle", "square", "star"/);
    assert.equal(told.out, "");
  }
});

test("a model that does not name its classes is met by order, which is said, or by the order that --classes gives", async () => {
  await using folder = await scratch();
  const { nameless, images } = await given(folder);
  const told = await cupel("eval", nameless, "--compare", nameless, "--images", images, "--json");
  assert.equal(JSON.parse(told.out).models[0].labels, "index");
  assert.equal(told.err.match(/does not name its classes/g)?.length, 1, "once for both models");
  const inText = ["--images", images, "--classes", await listed(folder, "numbers.txt", ["1", "10", "2"])];
  const ordered = await cupel("eval", nameless, "--json", ...inText);
  assert.equal(JSON.parse(ordered.out).models[0].labels, "name");
  const small = folder.at("small.onnx");
  const compressed = await cupel("compress", nameless, ...inText, "--json", "--no-report", "-o", small);
  assert.equal(JSON.parse(compressed.out).labels, "name", compressed.err);
  const named = await cupel("eval", small, "--json", ...inText);
  assert.equal(JSON.parse(named.out).models[0].labels, "name", named.err);
});

test("class folders that are numbers in the order of text are refused where the model has no names", async () => {
  await using folder = await scratch();
  const { nameless } = await given(folder);
  const pixel = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==",
    "base64",
  );
  for (const name of ["1", "10", "2"]) await folder.write(`val/${name}/a.png`, pixel);
  const told = await cupel("eval", nameless, "--images", folder.at("val"));
  assert.equal(told.status, 65);
  assert.match(
    told.err,
    /class 1 may be "10" or "2"\. Give a file of the names in the model's order, .*--classes/,
  );
});

test("compress and report say in their output and in the report how labels met", async () => {
  await using folder = await scratch();
  const { nameless, images } = await given(folder);
  const small = folder.at("small.onnx");
  const told = await cupel("compress", nameless, "--images", images, "--json", "-o", small);
  assert.equal(JSON.parse(told.out).labels, "index", told.err);
  assert.match(told.err, byOrder);
  const compared = await cupel("report", nameless, small, "--images", images);
  assert.match(compared.err, byOrder);
  const { model } = await given(folder);
  const renamed = await listed(folder, "renamed.txt", ["cirle", "square", "star"]);
  const refused = await cupel("report", nameless, model, "--images", images, "--classes", renamed);
  assert.match(refused.err, /class 0 is "cirle" for the first and "circle" for the second/);
});

test("report refuses two models whose classes stand in another order; eval --compare compares them by name", async () => {
  await using folder = await scratch();
  const { model, images } = await given(folder);
  const other = classifier();
  writeMetadata(other, { preprocessing: preprocessingFor([null, 1, 8, 8]), classes: [...names].reverse() });
  const reversed = await folder.write("reversed.onnx", encodeModelBytes(other));
  const source = ["--images", images, "--classes", await listed(folder, "classes.list", names)];
  const told = await cupel("report", model, reversed, ...source);
  assert.equal(told.status, 65);
  assert.match(told.err, /class 0 is "circle" for the first and "star" for the second/);
  const compared = await cupel("eval", model, "--compare", reversed, ...source, "--json");
  const { models, comparison } = JSON.parse(compared.out);
  // The same scores, but circle and star change places: only "square" is the same prediction.
  const { top1 } = models[1];
  assert.ok(Math.abs(models[0].top1.value + comparison.difference.value - top1.value) < 1e-12);
  assert.ok(comparison.agreement.value < 1, String(comparison.agreement.value));
});

test("train says how labels met, and that a model from a file does not name its classes", async () => {
  await using folder = await scratch();
  const { model, nameless, images } = await given(folder);
  const trained = async (what: string, ...words: string[]) => {
    const settings = ["--epochs", "1", "--batch", "20", "--threads", "1", "-o", folder.at("t.onnx")];
    const told = await cupel("train", what, "--data", images, ...settings, "--json", ...words);
    assert.equal(told.status, 0, told.err);
    return [JSON.parse(told.out).labels, byOrder.test(told.err)];
  };
  const classes = ["--classes", await listed(folder, "classes.list", [...names].reverse())];
  assert.deepEqual(await trained(model, ...classes), ["name", false]);
  assert.deepEqual(await trained(model), ["index", true]);
  assert.deepEqual(await trained(nameless), ["index", true]);
  assert.deepEqual(await trained("resnetCifar:depth=8,width=4", ...classes), ["name", false]);
  assert.deepEqual(await trained("resnetCifar:depth=8,width=4"), ["index", false]);
});

/** A model whose answer nobody asks for: other classes than the first. */
async function comparedWith(changes: { readonly classes: number; readonly names?: readonly string[] }) {
  const model = classifier({ classes: changes.classes });
  writeMetadata(model, { preprocessing: preprocessingFor([null, 1, 8, 8]), classes: changes.names ?? null });
  return encodeModelBytes(model);
}

test("a second model that cannot be compared is refused before the first is evaluated", async () => {
  await using folder = await scratch();
  const { model, images } = await given(folder);
  const seconds: readonly [string, string, RegExp][] = [
    [folder.at("none.onnx"), "MODEL_NOT_FOUND", /none\.onnx/],
    [await folder.write("text.onnx", "this is no model"), "MODEL_NOT_PROTOBUF", /text\.onnx/],
    [
      await folder.write("four.onnx", await comparedWith({ classes: 4 })),
      "LABELS_MISMATCH",
      /3 classes apart.* 4/,
    ],
    [
      await folder.write(
        "other.onnx",
        await comparedWith({ classes: 3, names: ["circle", "square", "moon"] }),
      ),
      "LABELS_MISMATCH",
      /"star".*"moon"/,
    ],
  ];
  for (const [second, code, saying] of seconds) {
    for (const words of [
      ["eval", model, "--compare", second],
      ["report", model, second],
    ]) {
      const { terminal, told } = catchingTerminal({ isInteractive: true });
      const status = await runCommand([...words, "--images", images], terminal, {
        signal: new AbortController().signal,
      });
      const { err, out } = told();
      assert.equal(out, "");
      assert.ok(status === 65 || status === 66, String(status));
      assert.match(err, new RegExp(`error ${code}: `));
      assert.match(err, saying);
      assert.doesNotMatch(err, /Evaluating/, "nothing was evaluated");
    }
  }
  const reordered = await folder.write(
    "reordered.onnx",
    await comparedWith({ classes: 3, names: ["star", "circle", "square"] }),
  );
  assert.equal((await cupel("eval", model, "--compare", reordered, "--images", images)).status, 0);
});
