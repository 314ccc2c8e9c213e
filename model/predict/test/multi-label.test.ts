/** Several classes an image: what is recognised, how labels are read, and figures as scikit-learn 1.9.1 has them. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { encodeModel, type Model } from "@cupel/onnx";
import { multiLabel, openPredictor, type SetEvaluation, taskOf } from "@cupel/predict";
import { setLabels } from "../src/multi-label/set-labels.ts";
import { rankSets, setPrecision } from "../src/multi-label/set-precision.ts";
import { channelMeans, noiseImages, plain } from "./support/images.ts";
import { colourClassifier, constantScores, modelOf, node } from "./support/models.ts";
import { refused } from "./support/refused.ts";

const folder = await mkdtemp(join(tmpdir(), "cupel-sets-"));
after(() => rm(folder, { recursive: true, force: true }));

async function written(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** Twelve images, four classes, some scores equal, no image of the last class. */
const scores = [
  [0.9, 0.6, 0.65, 0.9],
  [0.55, 0.75, 0.8, 0.25],
  [0.1, 0.3, 0.3, 0.85],
  [0.9, 0.05, 0.5, 0.8],
  [0.15, 0.8, 0.15, 0.45],
  [0.8, 0.3, 0.35, 0.3],
  [0.7, 0.25, 0.95, 0.45],
  [0.5, 0.5, 0.6, 0.55],
  [0.5, 0.95, 0.8, 0.8],
  [0.7, 0.6, 0.35, 0.95],
  [0.45, 0.25, 0.85, 0.2],
  [0.85, 0.6, 0.15, 0.05],
].map((row) => Float32Array.from(row));
const other = [
  [0.9, 0.75, 0.45, 0.95],
  [0.55, 0.6, 0.95, 0.4],
  [0.1, 0.5, 0.35, 0.95],
  [0.95, 0.1, 0.4, 0.65],
  [0.2, 0.65, 0.25, 0.65],
  [0.7, 0.3, 0.15, 0.15],
  [0.65, 0.4, 0.95, 0.5],
  [0.55, 0.55, 0.4, 0.5],
  [0.7, 0.9, 0.65, 0.7],
  [0.8, 0.4, 0.55, 0.95],
  [0.5, 0.25, 0.95, 0.2],
  [0.85, 0.5, 0.15, 0.15],
].map((row) => Float32Array.from(row));
const sets = ["0", "", "0 1", "1", "0", "2", "", "0 2", "", "", "1", "1"];
const members = sets.map((text) =>
  Uint8Array.from([0, 1, 2, 3], (c) => Number(text.split(" ").includes(String(c)))),
);
const images = noiseImages(12, { id: (index) => `${index}.png` });
const table = (header: string, field: (index: number) => string, count = 12) =>
  [header, ...Array.from({ length: count }, (_, i) => `${i}.png,${field(i)}`)].join("\n");

const facts = {
  outputs: [{ name: "y", type: "float32", dims: ["N", 4] }],
  classes: null,
  preprocessing: plain,
} as const;

async function evaluated(rows: readonly Float32Array[], labels: string | null): Promise<SetEvaluation> {
  const evaluation = multiLabel.evaluation(images, { ...facts, labels });
  for (const [index, row] of rows.entries()) await evaluation.add(index, { scores: row, labels: [] });
  return evaluation.result([]);
}

const near = (found: number | null | undefined, expected: number) =>
  assert.ok(Math.abs((found ?? Number.NaN) - expected) < 1e-12, `${found} is not ${expected}`);

describe("a model of several classes an image", () => {
  const sigmoid = (shape?: Parameters<typeof modelOf>[1]): Model =>
    modelOf(
      (model, x) =>
        node(
          model,
          "Sigmoid",
          "y",
          node(model, "Flatten", "flat", node(model, "GlobalAveragePool", "pool", x)),
        ),
      shape,
    );

  test("is told by a sigmoid on one row of scores, and nothing else is taken for it", () => {
    assert.equal(taskOf(sigmoid()).name, "multi-label");
    const cast = modelOf((model, x) =>
      node(model, "Identity", "y", node(model, "Sigmoid", "s", node(model, "GlobalAveragePool", "pool", x))),
    );
    assert.equal(taskOf(cast).name, "multi-label", "with sizes of 1 behind");
    assert.equal(taskOf(colourClassifier()).name, "classification");
    assert.equal(taskOf(colourClassifier(undefined, "softmax")).name, "classification");
    assert.equal(taskOf(sigmoid(["N", 1, 8, 8])).name, "features", "one number an image");
    const map = modelOf((model, x) => node(model, "Sigmoid", "y", x));
    assert.equal(taskOf(map).name, "segmentation");
  });

  test("tells the classes of a half and more with their scores, the highest first", async () => {
    await using predictor = await openPredictor(encodeModel(sigmoid()), {
      threads: 1,
      preprocessing: plain,
      classes: ["red", "green", "blue"],
    });
    assert.ok(predictor.taskName === "multi-label");
    assert.match(predictor.form!, /scores, as they are, are 0\.5 or more/);
    for await (const { index, prediction } of predictor.predict(noiseImages(6))) {
      const expected = channelMeans(index)
        .map((mean, c) => ({ name: ["red", "green", "blue"][c], mean }))
        .filter(({ mean }) => mean >= 0)
        .sort((a, b) => b.mean - a.mean);
      assert.deepEqual(
        prediction.labels.map(({ className }) => className),
        expected.map(({ name }) => name),
      );
      for (const [i, { score }] of prediction.labels.entries()) {
        assert.ok(Math.abs(score - 1 / (1 + Math.exp(-expected[i]!.mean))) < 1e-5);
      }
    }
  });

  test("that ends in its scores has them through a sigmoid, where it is asked for", async () => {
    const options = { threads: 1, preprocessing: plain, taskName: "multi-label" } as const;
    await using predictor = await openPredictor(encodeModel(constantScores([2, -3, 0])), options);
    assert.match(predictor.form!, /through a sigmoid/);
    for await (const { prediction } of predictor.predict(noiseImages(1))) {
      const found = prediction.labels.map(({ classIndex, score }) => [classIndex, score.toFixed(5)]);
      assert.deepEqual(found, [
        [0, "0.88080"],
        [2, "0.50000"],
      ]);
    }
  });
});

describe("figures", () => {
  test("mean average precision and micro F1 are those of scikit-learn, classes without an image left out", async () => {
    const path = await written(
      "spaces.csv",
      table("file,labels", (i) => sets[i]!),
    );
    const evaluation = await evaluated(scores, path);
    near(evaluation.precision?.meanAveragePrecision, 0.2584175084175084);
    near(evaluation.precision?.microF1, 0.20512820512820512);
    assert.deepEqual(
      multiLabel.figures(evaluation).map(({ name, of }) => [name, of]),
      [
        ["mAP", "3 classes in 12 images"],
        ["micro F1 at 0.5", "12 images"],
      ],
    );
    const second = await evaluated(other, path);
    near(second.precision?.meanAveragePrecision, 0.2574254449254449);
    near(second.precision?.microF1, 0.2);
    const difference = multiLabel.compare(evaluation, second);
    near(difference.agreement.value, 4 / 12);
    near(difference.meanAveragePrecision?.value, 0.2574254449254449 - 0.2584175084175084);
    near(difference.microF1?.value, 0.2 - 0.20512820512820512);
    const { low, high } = difference.meanAveragePrecision!;
    assert.ok(low < -0.001 && high > -0.001 && low > -0.5 && high < 0.5, `${low} to ${high}`);
    const [same, ...rest] = multiLabel.differences(difference);
    assert.equal(same?.name, "same classes");
    assert.deepEqual(
      rest.map(({ name }) => name),
      ["difference of mAP", "difference of micro F1 at 0.5"],
    );
  });

  test("an image drawn twice counts twice", () => {
    // sample_weight of scikit-learn.
    const times = [2, 0, 1, 3, 0, 1, 1, 0, 2, 1, 0, 1];
    const found = setPrecision(rankSets(scores.map((row, i) => ({ scores: row, set: members[i]! }))), times);
    near(found.meanAveragePrecision, 0.2611111111111111);
    near(found.microF1, 0.13953488372093023);
  });

  test("without labels there are none, but the images of which both tell the same classes", async () => {
    const [first, second] = [await evaluated(scores, null), await evaluated(other, null)];
    assert.deepEqual([first.precision, first.sets, multiLabel.figures(first)], [null, null, []]);
    const figures = multiLabel.differences(multiLabel.compare(first, second));
    assert.deepEqual(
      figures.map(({ name, of }) => [name, of]),
      [["same classes", "12 images"]],
    );
    near(figures[0]!.value, 4 / 12);
  });
});

describe("labels are read from", () => {
  const names = ["cat", "dog", "big bird"];
  const three = noiseImages(3, { id: (index) => `${index}.png` });
  const expected = [
    [1, 0, 1],
    [0, 0, 0],
    [0, 1, 0],
  ];
  const read = async (
    path: string,
    classes: readonly string[] | null = names,
    column: string | null = null,
  ) => {
    const found = await setLabels(three, { count: 3, names: classes }, { path, column });
    return { by: found!.by, sets: found!.sets.map((set) => set && Array.from(set)) };
  };
  const csv = (name: string, header: string, ...fields: readonly string[]) =>
    written(
      name,
      table(header, (i) => fields[i]!, 3),
    );

  test("one column with any usual mark between them, and lists in JSON", async () => {
    for (const mark of ["|", ";", "; "]) {
      const path = await csv("a.csv", "file,labels", `cat${mark}big bird`, "", "dog");
      assert.deepEqual(await read(path), { by: "name", sets: expected }, mark);
    }
    const quoted = await csv("b.csv", "file,labels", '"big bird, cat"', "", "dog");
    assert.deepEqual((await read(quoted)).sets, expected);
    const list = [
      { file: "0.png", labels: ["cat", "big bird"] },
      { file: "1.png", labels: [] },
      { file: "2.png", labels: ["dog"] },
    ];
    assert.deepEqual((await read(await written("c.json", JSON.stringify(list)))).sets, expected);
    const object = Object.fromEntries(list.map(({ file, labels }) => [file, labels]));
    assert.deepEqual((await read(await written("d.json", JSON.stringify(object)))).sets, expected);
    const named = await csv("e.csv", "file,labels,tags", "x,cat|big bird", "y,", "z,dog");
    assert.deepEqual((await read(named, names, "tags")).sets, expected);
  });

  test("names that contain a mark stand as they are where each field is one name", async () => {
    const odd = ["cat|dog", "dog", "bird"];
    const path = await csv("f.csv", "file,labels", "cat|dog", "bird", "dog");
    assert.deepEqual((await read(path, odd)).sets, [
      [1, 0, 0],
      [0, 0, 1],
      [0, 1, 0],
    ]);
  });

  test("a column of 0 and 1 for each class, in any order, others left out", async () => {
    const path = await csv("g.csv", "file,big bird,fold,cat,dog", "1,7,1,0", "0,7,0,0", "0,8,0,1.0");
    assert.deepEqual(await read(path), { by: "name", sets: expected });
    const nameless = await csv("h.csv", "file,a,b,c", "1,0,1", "0,0,0", "0,1,0");
    assert.deepEqual(await read(nameless, null), { by: "index", sets: expected });
  });

  test("numbers of classes, where nobody names them or the table does not", async () => {
    const path = await csv("i.csv", "file,labels", "0 2", "", "1");
    assert.deepEqual(await read(path, null), { by: "index", sets: expected });
    assert.deepEqual(await read(await csv("j.csv", "file,labels", "2;0", "", "1")), {
      by: "index",
      sets: expected,
    });
  });

  test("the images themselves: a class folder is a set of one", async () => {
    const labelled = noiseImages(3, { classes: ["dog", "cat"], label: (i) => [1, 0, 0][i]! });
    const found = await setLabels(labelled, { count: 3, names }, { path: null, column: null });
    assert.deepEqual(
      found?.sets.map((set) => set && Array.from(set)),
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 1, 0],
      ],
    );
  });

  test("nothing that does not fit, and why is said", async () => {
    const cases: readonly (readonly [string, RegExp, (readonly string[] | null)?])[] = [
      [
        await csv("k.csv", "file,labels", "cat|dgo", "", "dog"),
        /1 class that the model does not have: "dgo"/,
      ],
      [await csv("l.csv", "file,labels", "0|3", "", "1"), /the class 3, but the model tells 3 apart/, null],
      [await csv("m.csv", "file,labels", "cat|dog", "", "dog"), /does not name its classes.*--classes/, null],
      [await csv("n.csv", "file,cat,dog", "1,0", "0,0", "0,1"), /none of 0 and 1 for the class "big bird"/],
      [await csv("o.csv", "file,a,b", "1,0", "0,0", "0,1"), /2 others .* where the model tells 3/, null],
      [
        await csv("p.csv", "file,cat,dog,big bird", "1,0,2", "0,0,0", "0,1,0"),
        /"2" in the column "big bird" of record 2/,
      ],
      [
        await written("q.csv", "file,labels\n0.png,cat|dog\n9.png,dog\n"),
        /2 of the 3 images in noise have no row/,
      ],
    ];
    for (const [path, reason, classes = names] of cases)
      await refused(() => read(path, classes), "LABELS_MISMATCH", reason);
    await refused(
      async () => read(await written("r.json", '{"0.png": {"a": 1}}')),
      "IMAGE_SOURCE_DAMAGED",
      /"labels" of its entry 1/,
    );
    await refused(
      async () => read(await written("s.json", '{"0.png": ')),
      "IMAGE_SOURCE_DAMAGED",
      /is not JSON/,
    );
  });
});
