/** Lines of text: how CTC reads scores, what the classes stand for, and how texts are measured. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Dimension, encodeModel, type Model, type Shape } from "@cupel/onnx";
import {
  choosePreprocessing,
  fedText,
  openPredictor,
  preprocessingSentence,
  sequence,
  type TextPrediction,
  taskOf,
} from "@cupel/predict";
import {
  type ImageSource,
  type Preprocessing,
  parsePreprocessing,
  preprocessingFor,
  type RawImage,
} from "@cupel/vision";
import { editDistance } from "../src/sequence/edit-distance.ts";
import { noiseImages } from "./support/images.ts";
import { modelOf, node } from "./support/models.ts";

const classes = 12;
/** Pixels as they are. */
const raw: Preprocessing = {
  width: 6,
  height: classes,
  colour: "grey",
  resize: { kind: "none" },
  interpolation: "bilinear",
  layout: "NCHW",
  scale: 1 / 255,
  mean: [0],
  std: [1],
};

/**
 * A grey image is its own scores: a column is a step and a row a class, so that `[N, 1, C, T]` becomes `[N, T, C]`, or
 * `[T, N, C]`.
 */
function reader(
  metadata: Readonly<Record<string, string>> = {},
  { perm = [0, 2, 1], softmax = false, shape = ["N", 1, classes, "W"] as Shape } = {},
): Model {
  const model = modelOf((graph, x) => {
    const squeezed = graph.graph.append({
      opType: "ReduceMean",
      name: "columns",
      inputs: [x],
      outputs: ["columns"],
      attributes: { axes: { kind: "ints", value: [1] }, keepdims: { kind: "int", value: 0 } },
    }).output;
    const steps = graph.graph.append({
      opType: "Transpose",
      name: "steps",
      inputs: [squeezed],
      outputs: ["steps"],
      attributes: { perm: { kind: "ints", value: perm } },
    }).output;
    return softmax ? node(graph, "Softmax", "y", steps) : steps;
  }, shape);
  for (const [key, value] of Object.entries(metadata)) model.metadata.set(key, value);
  return model;
}

/** An image whose column `t` has its highest value in the row `steps[t]`. @param strength of it, 0 to 255 */
function drawn(steps: readonly number[], strength = 255): RawImage {
  const data = new Uint8Array(classes * steps.length);
  steps.forEach((c, t) => {
    data[c * steps.length + t] = strength;
    // A step of probabilities.
    data[((c + 1) % classes) * steps.length + t] = 255 - strength;
  });
  return { kind: "raw", width: steps.length, height: classes, channels: 1, data };
}

function drawnImages(images: readonly RawImage[]): ImageSource {
  return noiseImages(images.length, { id: (i) => `${i}.png`, image: async (i) => images[i]! });
}

async function predictionsOf(
  model: Model,
  images: readonly RawImage[],
  names?: readonly string[],
): Promise<TextPrediction[]> {
  await using predictor = await openPredictor(encodeModel(model), {
    threads: 1,
    taskName: "sequence",
    preprocessing: raw,
    classes: names,
  });
  const found: TextPrediction[] = [];
  for await (const { prediction } of predictor.predict(drawnImages(images))) found.push(prediction);
  return found;
}

const textsOf = async (...given: Parameters<typeof predictionsOf>) =>
  (await predictionsOf(...given)).map(({ text }) => text);

const ten = Array.from("abcdefghij");
const character = ten.join("\n");

test("equal steps are one character, a blank between them makes two, and blanks are left out", async () => {
  const images = [drawn([1, 1, 0, 1, 2, 2]), drawn([0, 0, 0, 0, 0, 0]), drawn([3, 0, 0, 3, 3, 4])];
  assert.deepEqual(await textsOf(reader({ character }), images), ["aab", "", "ccd"]);
});

test("the confidence is the mean probability of the steps where characters begin", async () => {
  const [sure, unsure, none] = await predictionsOf(reader({ character }), [
    drawn([1, 1, 0, 1, 2, 2]),
    drawn([1, 1, 5, 1, 2, 2], 204),
    drawn([0, 0, 0, 0, 0, 0]),
  ]);
  assert.equal(sure!.confidence, 1);
  assert.ok(Math.abs(unsure!.confidence - 0.8) < 1e-6, `${unsure!.confidence}`);
  assert.equal(none!.confidence, 0);
  // Scores that are no probabilities: 1 among 12 zeros but itself.
  const [scores] = await predictionsOf(reader({ character }), [
    {
      ...drawn([1]),
      width: 6,
      data: Uint8Array.from({ length: 6 * classes }, (_, i) => (i < 6 ? 0 : 255 * Number(i < 18))),
    },
  ]);
  assert.equal(scores!.text, "a", "the first of equals");
  assert.ok(Math.abs(scores!.confidence - Math.E / (2 * Math.E + 10)) < 1e-6);
});

test("a list of characters has its blank first, where it says so, or not at all; the space may be left out", async () => {
  const image = [drawn([1, 0, 10, 11, 0, 2])];
  const texts = (names: readonly string[]) => textsOf(reader(), image, names);
  assert.deepEqual(await texts(ten), ["aj b"], "the space last, as PP-OCR has it");
  assert.deepEqual(await texts([...ten, "k"]), ["ajkb"]);
  assert.deepEqual(await texts(["<blank>", ...ten, "<space>"]), ["aj b"]);
  assert.deepEqual(await texts([...ten, "k", "<blank>"]), ["bakac"]);
  assert.deepEqual(
    await textsOf(reader({ "cupel.labels": JSON.stringify([...ten, "k", "<blank>"]) }), image),
    ["bakac"],
  );
  assert.deepEqual(await textsOf(reader(), image), ["1 10 11 2"], "numbers where nobody names them");
  await assert.rejects(texts(ten.slice(1)), { code: "LABELS_MISMATCH", message: /9 characters.*12 classes/ });
});

test("steps may stand before the images", async () => {
  const images = [drawn([1, 1, 0, 1, 2, 2]), drawn([3, 0, 0, 3, 3, 4])];
  assert.deepEqual(await textsOf(reader({ character }, { perm: [2, 0, 1] }), images), ["aab", "ccd"]);
});

test("a reader of text is told by its characters, or by probabilities at as many steps as the width makes", () => {
  const named = (model: Model) => taskOf(model).name;
  assert.equal(named(reader({ character })), "sequence");
  assert.equal(named(reader({}, { softmax: true })), "sequence");
  assert.equal(named(reader({ "cupel.task": "sequence" })), "sequence");
  assert.equal(named(reader()), "features", "scores of anything");
  assert.equal(named(reader({ character: "a\nb" })), "features", "characters of something else");
  const fixed: Shape = ["N", 1, classes, 6];
  assert.notEqual(named(reader({}, { softmax: true, shape: fixed })), "sequence", "such as an attention");
  const rows = { outputs: [{ name: "y", type: "float32" as const, dims: ["N", 8400, 85] }] };
  assert.equal(sequence.recognises({ ...rows, model: reader() }), false, "boxes");
});

test("the names of a detector's classes are no characters", () => {
  const words = Array.from({ length: classes }, (_, c) => `figure_${c}`);
  assert.equal(taskOf(reader({ character: words.join("\n") })).name, "features");
  const some = [...ten.slice(0, 8), "<blank>", "sch", "<space>", "e\u0301"];
  assert.equal(taskOf(reader({ character: some.join("\n") })).name, "sequence", "a few of several letters");
});

test("a reader of text in colour that does not say how it is fed is fed as PaddleOCR feeds its own, and that is said", () => {
  const chosen = (shape: readonly Dimension[], given?: string, metadata = {}) =>
    choosePreprocessing({ model: reader(metadata, { softmax: true, shape }), inputShape: shape }, given);
  const usual = (crop: string) =>
    parsePreprocessing(
      `preset=tf,colour=bgr,layout=NCHW,crop=${crop},resize=fit-height,pad=127.5:end,interpolation=linear`,
      preprocessingFor([null, 3, 48, null]),
    );
  const open = chosen(["N", 3, 48, "W"]);
  assert.deepEqual(open.preprocessing, { ...usual("960x48"), multiple: 320 });
  assert.equal(open.origin, "guessed");
  assert.match(preprocessingSentence("rec.onnx", open)!, /^rec\.onnx does not say .* PaddleOCR .*fit-height/);
  assert.match(fedText(open), /guessed for a reader of text/);
  // A fixed width, which only characters tell, and the height of earlier versions.
  const fixed = chosen(["N", 3, 32, 100], undefined, {
    character: Array.from({ length: 31 }, (_, i) => i % 10).join("\n"),
  });
  assert.deepEqual(fixed.preprocessing, usual("100x32"));
  // What is given goes before it, and the rest stays.
  const given = chosen(["N", 3, 48, "W"], "preset=unit,colour=rgb");
  assert.equal(given.origin, "given");
  assert.deepEqual(
    [given.preprocessing.mean, given.preprocessing.resize],
    [[0, 0, 0], { kind: "fit-height" }],
  );
  // In grey, or what reads no text, is guessed from the shape as before.
  for (const other of [
    chosen(["N", 1, 48, "W"]),
    choosePreprocessing({ model: reader(), inputShape: ["N", 3, 48, "W"] }, undefined),
  ]) {
    assert.equal(other.preprocessing.resize.kind === "fit-height", false);
    assert.doesNotMatch(preprocessingSentence("m.onnx", other)!, /PaddleOCR/);
  }
});

test("edits are counted as Levenshtein does", () => {
  // The published examples: kitten and sitting differ by 3, intention and execution by 5.
  assert.equal(editDistance("kitten", "sitting"), 3);
  assert.equal(editDistance("intention", "execution"), 5);
  assert.equal(editDistance("", "abc"), 3);
  assert.equal(editDistance("abc", ""), 3);
  assert.equal(editDistance("a\u{20bb7}", "a"), 1, "a character beyond the basic plane is one");
});

test("texts are measured against a table by image: exact match and character error rate, two models by the same text", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "cupel-texts-"));
  t.after(() => rm(folder, { recursive: true }));
  const labels = join(folder, "lines.csv");
  await writeFile(labels, 'file;text\n2.png;"c;d"\n0.png; aab \n1.png;bad\n9.png;other\n');
  const images = drawnImages([
    drawn([1, 1, 0, 1, 2, 2]),
    drawn([2, 2, 1, 0, 0, 4]),
    drawn([3, 0, 0, 3, 3, 4]),
  ]);
  const options = { threads: 1, preprocessing: raw, taskName: "sequence" } as const;
  await using first = await openPredictor(encodeModel(reader({ character })), options);
  const evaluated = await first.evaluate(images, { labels });
  assert.deepEqual(evaluated.texts, ["aab", "bad", "ccd"]);
  assert.deepEqual([evaluated.exact!.count, evaluated.exact!.of], [2, 3]);
  // "ccd" for "c;d" is one change among the nine characters of the three labels.
  assert.equal(evaluated.characterErrorRate, 1 / 9);
  assert.deepEqual(
    sequence.figures(evaluated).map(({ name, value, of }) => [name, value, of]),
    [
      ["exact match", 2 / 3, "3 images"],
      ["character error rate", 1 / 9, "9 characters in 3 images"],
    ],
  );
  const others = [...ten.slice(0, 3), "D", ...ten.slice(4)];
  await using second = await openPredictor(encodeModel(reader()), { ...options, classes: others });
  const compared = sequence.compare(evaluated, await second.evaluate(images, { labels }));
  assert.deepEqual([compared.agreement.count, compared.agreement.of], [1, 3]);
  assert.equal(compared.difference!.value, -1 / 3, "bad is now baD");
  const unlabelled = sequence.compare(await first.evaluate(images), await second.evaluate(images));
  assert.deepEqual([unlabelled.agreement.count, unlabelled.difference], [1, null]);
  assert.deepEqual(sequence.figures(await first.evaluate(images)), []);

  await using nameless = await openPredictor(encodeModel(reader()), options);
  await assert.rejects(nameless.evaluate(images, { labels }), {
    code: "LABELS_MISMATCH",
    message: /characters/,
  });
  await writeFile(labels, "file,text\n0.png,aab\n2.png,cd\n");
  await assert.rejects(first.evaluate(images, { labels }), {
    code: "LABELS_MISMATCH",
    message: /1 of the 3 images.*1\.png/,
  });
  await writeFile(labels, "file,text\n0.png,aab\n1.png,a\n2.png,cd\n0.png,ab\n");
  await assert.rejects(first.evaluate(images, { labels }), {
    code: "LABELS_MISMATCH",
    message: /Records 2 and 5/,
  });
});
