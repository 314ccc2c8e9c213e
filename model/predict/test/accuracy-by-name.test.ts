/**
 * The accuracy of a classifier is that of the names, whatever the order, the part or the form in which the images
 * name their classes: against a reference that knows nothing but names. What cannot be known is refused.
 */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { CupelError, openTemporaryFolder } from "@cupel/base";
import { encodeModel, writeModelFile } from "@cupel/onnx";
import { classification, type Evaluation, evaluate, writeMetadata } from "@cupel/predict";
import { type ImageSource, openImages } from "@cupel/vision";
import fc from "fast-check";
import { openClassifier } from "./support/classifier.ts";
import { asIs, levelClassifier, levelPng } from "./support/levels.ts";

const composed = "Caf\u00e9";
const decomposed = "Cafe\u0301";
/** Each class with the ways in which a folder or a table may write it. */
const spellings: Readonly<Record<string, readonly string[]>> = {
  circle: ["circle"],
  square: ["square"],
  Square: ["Square"],
  "10": ["10"],
  [composed]: [composed, decomposed],
  "n01440764 tench, Tinca tinca": ["n01440764 tench, Tinca tinca", "n01440764"],
  n01443537: ["n01443537", "n01443537 goldfish"],
};
const known = Object.keys(spellings);

interface Row {
  /** As the images write their class. */
  readonly written: string;
  /** Index of the class that the model predicts. */
  readonly predicted: number;
}

/** Accuracy from names alone; null where a name means no class of the model, or several. */
function reference(rows: readonly Row[], names: readonly string[]): number | null {
  const key = (name: string) => name.normalize("NFC").trim();
  const id = (name: string) => key(name).split(" ")[0]!;
  const meant = (written: string) => {
    const same = names.filter((name) => key(name) === key(written));
    if (same.length > 0) return same;
    return /^n\d{8}$/.test(id(written)) ? names.filter((name) => id(name) === id(written)) : [];
  };
  let right = 0;
  for (const { written, predicted } of rows) {
    const [name, ...others] = meant(written);
    if (name === undefined || others.length > 0) return null;
    if (names[predicted] === name) right++;
  }
  return right / rows.length;
}

type Form = "folders" | "csv" | "csv with class names" | "numbers with class names";

interface Case {
  readonly form: Form;
  readonly names: readonly string[];
  readonly rows: readonly Row[];
  /** Names of classes without images, in folders or in the list of names. */
  readonly empty: readonly string[];
  /** The order of the list of names. */
  readonly order: readonly number[];
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    form: fc.constantFrom<Form>("folders", "csv", "csv with class names", "numbers with class names"),
    // A name may stand twice, as "crane" does in ImageNet's.
    names: fc
      .tuple(fc.shuffledSubarray(known, { minLength: 2 }), fc.nat(9))
      .map(([names, luck]) => (luck === 0 ? [...names, names[0]!] : names)),
    foreign: fc.nat(4),
    empty: fc.uniqueArray(fc.constantFrom("zebra", "apple", "0"), { maxLength: 2 }),
  })
  .chain(({ form, names, foreign, empty }) =>
    fc.record({
      form: fc.constant(form),
      names: fc.constant(names),
      empty: fc.constant(empty),
      rows: fc.array(
        fc.record({
          written: fc
            .constantFrom(...(foreign === 0 ? known : names))
            .chain((name) => fc.constantFrom(...spellings[name]!)),
          predicted: fc.nat(names.length - 1),
        }),
        { minLength: 1, maxLength: 16 },
      ),
      order: fc.infiniteStream(fc.nat()).map((stream) => [...stream.take(24)]),
    }),
  );

const image = levelPng(0);

/** Writes images, whose names tell the prediction, in the form of the case. */
async function written(folder: string, given: Case, png: (row: Row) => Uint8Array) {
  const { form, rows, empty, order } = given;
  const files = rows.map((_, i) => (form === "folders" ? join(rows[i]!.written, `${i}.png`) : `${i}.png`));
  if (form === "folders") {
    const folders = new Set([...rows.map((row) => row.written), ...empty]);
    for (const name of folders) await mkdir(join(folder, name), { recursive: true });
  }
  for (const [i, row] of rows.entries()) await writeFile(join(folder, files[i]!), png(row));
  if (form === "folders") return { path: folder, classes: undefined };
  const listed = [...new Set([...rows.map((row) => row.written), ...empty])];
  const classes = listed
    .map((name, i) => ({ name, at: order[i]! }))
    .sort((a, b) => a.at - b.at)
    .map(({ name }) => name);
  const value = ({ written }: Row) =>
    form === "numbers with class names" ? classes.indexOf(written) : JSON.stringify(written);
  const table = rows.map((row, i) => `${files[i]},${value(row)}\n`).join("");
  await writeFile(join(folder, "labels.csv"), `file,label\n${table}`);
  return { path: join(folder, "labels.csv"), classes: form === "csv" ? undefined : classes };
}

/** Without an engine: the prediction of an image is looked up by its file's name. */
function evaluated(images: ImageSource, { names, rows }: Case): Evaluation {
  const outputs = [{ name: "scores", type: "float32" as const, dims: ["N", names.length] }];
  const evaluation = classification.evaluation(images, { outputs, classes: names, preprocessing: asIs });
  for (let i = 0; i < images.length; i++) {
    const classIndex = rows[Number.parseInt(basename(images.id(i)), 10)]!.predicted;
    const scores = Float32Array.from(names, (_, k) => (k === classIndex ? 1 : 0));
    evaluation.add(i, { classIndex, areProbabilities: false, className: null, probability: 1, scores });
  }
  return evaluation.result([]);
}

/**
 * A bare number in a table is an index, not a name; beside names the table is refused when it is opened. Where all class
 * names are numbers, it is a name and no index.
 */
function holdsNumbers({ form, rows, empty }: Case): boolean {
  const isNumber = (name: string) => /^\d+$/.test(name);
  const written = rows.map((row) => row.written);
  if (form === "numbers with class names") return [...written, ...empty].every(isNumber);
  return form === "csv" && written.some(isNumber);
}

async function orRefused<T>(work: () => Promise<T> | T): Promise<T | "refused"> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof CupelError && thrown.code === "LABELS_MISMATCH") return "refused";
    throw thrown;
  }
}

test("is that of names alone, or the images are refused: folders, tables, orders, parts, spellings", async () => {
  const seen = { measured: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(cases, async (given) => {
      fc.pre(!holdsNumbers(given));
      await using folder = await openTemporaryFolder("by-name");
      const { path, classes } = await written(folder.path, given, () => image);
      const images = await orRefused(() => openImages(path, { classes }));
      if (images === "refused") {
        const read = classes!.map((name) => name.normalize("NFC").trim());
        const isTwice = new Set(read).size < read.length;
        const isNumber = read.some((name) => /^\d+$/.test(name));
        assert.ok(
          isTwice || isNumber,
          "refused when it is opened: a class named twice, a number that is a name",
        );
        return;
      }
      const found = await orRefused(() => evaluated(images, given));
      const expected = reference(given.rows, given.names);
      if (expected === null) {
        assert.equal(found, "refused");
        seen.refused++;
        return;
      }
      assert.ok(found !== "refused", "every name means one class of the model");
      assert.equal(found.top1, expected);
      assert.equal(found.labelsBy, "name");
      seen.measured++;
    }),
    { numRuns: 150 },
  );
  assert.ok(seen.measured > 30 && seen.refused > 10, JSON.stringify(seen));
});

test("the same through a model file and the engine", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (given) => {
      fc.pre(!holdsNumbers(given));
      await using folder = await openTemporaryFolder("by-name");
      const { path, classes } = await written(folder.path, given, (row) => levelPng(row.predicted));
      const images = await orRefused(() => openImages(path, { classes }));
      fc.pre(images !== "refused");
      const model = levelClassifier(given.names.length);
      writeMetadata(model, { preprocessing: asIs, classes: given.names });
      await using predictor = await openClassifier(encodeModel(model), { threads: 1 });
      const found = await orRefused(() => predictor.evaluate(images));
      assert.equal(found === "refused" ? null : found.top1, reference(given.rows, given.names));
      const alone = await orRefused(() => evaluate(encodeModel(model), images, asIs, { threads: 1 }));
      assert.equal(alone === "refused" ? null : alone.top1, reference(given.rows, given.names));
    }),
    { numRuns: 6 },
  );
});

describe("of a model at 100 %", () => {
  const names = ["circle", "square", composed, "n01440764 tench, Tinca tinca"];

  /** Two images of each, which the model predicts rightly; the folder is called as `called` says. */
  async function folders(root: string, called: Readonly<Record<string, number>>) {
    for (const [name, predicted] of Object.entries(called)) {
      await mkdir(join(root, name), { recursive: true });
      if (predicted < 0) continue;
      for (const i of [0, 1]) await writeFile(join(root, name, `${i}.png`), levelPng(predicted));
    }
  }
  async function accuracy(called: Readonly<Record<string, number>>, modelNames: readonly string[] = names) {
    await using folder = await openTemporaryFolder("levels");
    await folders(join(folder.path, "images"), called);
    const model = levelClassifier(modelNames.length);
    writeMetadata(model, { preprocessing: asIs, classes: modelNames });
    const path = join(folder.path, "model.onnx");
    await writeModelFile(model, path);
    await using predictor = await openClassifier(path, { threads: 1 });
    return (await predictor.evaluate(await openImages(join(folder.path, "images")))).top1;
  }

  const rows: readonly (readonly [string, Readonly<Record<string, number>>])[] = [
    [
      "all folders, which sort in another order than the classes",
      { circle: 0, square: 1, [composed]: 2, n01440764: 3 },
    ],
    ["a part of the classes", { square: 1, n01440764: 3 }],
    ["one more folder, which is empty", { circle: 0, square: 1, [composed]: 2, n01440764: 3, ant: -1 }],
    ["a folder named on macOS", { [decomposed]: 2, circle: 0 }],
    ["blanks around a name", { " circle ": 0, square: 1 }],
    ["the whole line of a WordNet class", { "n01440764 tench": 3, circle: 0 }],
  ];
  for (const [what, called] of rows) {
    test(`${what}: 100 %`, async () => assert.equal(await accuracy(called), 1));
  }

  test("a renamed folder is refused, with both lists and what it is nearly called", async () => {
    await assert.rejects(accuracy({ circl: 0, square: 1 }), (thrown: Error) => {
      assert.match(
        thrown.message,
        /1 class that the model does not have: "circl" \("circl" is nearly "circle"\)/,
      );
      assert.match(thrown.message, /The model tells 4 apart: "circle", "square", /);
      return true;
    });
  });

  test("a name that the model has twice is refused where images have it, and not where none have", async () => {
    const twice = ["crane", "square", "crane"];
    await assert.rejects(accuracy({ crane: 0 }, twice), /"crane", but the model has 2 classes .*0 and 2/);
    assert.equal(await accuracy({ square: 1 }, twice), 1);
  });
});
