/** Numbers measured in images: errors by arithmetic, their difference, and how labels are read. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type RegressionEvaluation, regression, taskOf } from "@cupel/predict";
import { numberLabels } from "../src/regression/number-labels.ts";
import { noiseImages, plain } from "./support/images.ts";
import { modelOf, node } from "./support/models.ts";
import { refused } from "./support/refused.ts";

const folder = await mkdtemp(join(tmpdir(), "cupel-numbers-"));
after(() => rm(folder, { recursive: true, force: true }));

async function written(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const images = noiseImages(3, { id: (index) => `${index}.png` });

async function evaluated(
  rows: readonly (readonly number[])[],
  labels: string | null,
): Promise<RegressionEvaluation> {
  const outputs = [{ name: "y", type: "float32" as const, dims: ["N", 2] }];
  const evaluation = regression.evaluation(images, { outputs, classes: null, preprocessing: plain, labels });
  for (const [index, values] of rows.entries()) {
    await evaluation.add(index, [{ output: "y", dims: [2], values: Float32Array.from(values) }]);
  }
  return evaluation.result([]);
}

const told = (figures: ReturnType<typeof regression.figures>) =>
  figures.map(({ name, value }) => [name, value]);

test("errors are means over all images and values, before and after, and the difference has its interval", async () => {
  const path = await written("a.csv", "file,labels\n0.png,1 2\n1.png,3 4\n2.png,5 6\n");
  // Off by 1, 0; 0, 2; 0, 0: mean 3 / 6, squares 5 / 6.
  const before = await evaluated(
    [
      [2, 2],
      [3, 6],
      [5, 6],
    ],
    path,
  );
  assert.deepEqual(told(regression.figures(before)), [
    ["mean absolute error", 0.5],
    ["root mean square error", Math.sqrt(5 / 6)],
  ]);
  // Off by 1, 1 in each.
  const later = await evaluated(
    [
      [2, 3],
      [4, 5],
      [6, 7],
    ],
    path,
  );
  const figures = regression.differences(regression.compare(before, later));
  const [absolute, rootSquared] = figures.slice(-2);
  assert.deepEqual(
    [absolute?.name, absolute?.value, absolute?.of],
    ["difference of mean absolute error", 0.5, "3 images"],
  );
  assert.ok(Math.abs(rootSquared!.value - (1 - Math.sqrt(5 / 6))) < 1e-12);
  // Nothing is lost where a draw has image 1 thrice, 1 where it has image 2 thrice.
  const { low, high } = absolute!.interval!;
  assert.ok(low >= 0 && low < 0.25 && high > 0.75 && high <= 1, `${low} to ${high}`);
  assert.equal(figures[0]?.name, "signal to noise");
});

test("without labels the values are compared as those of features", async () => {
  const one = await evaluated(
    [
      [2, 2],
      [3, 6],
      [5, 6],
    ],
    null,
  );
  assert.deepEqual(regression.figures(one), []);
  assert.deepEqual(
    regression.differences(regression.compare(one, one)).map(({ name }) => name),
    ["signal to noise", "lowest of one image", "cosine"],
  );
});

test("labels are in one column, in several, or in JSON; what does not fit is refused", async () => {
  const read = async (path: string, column: string | null = null) =>
    (await numberLabels(images, 2, { path, column }))!.map((numbers) => Array.from(numbers));
  const expected = [
    [1, -2.5],
    [3, 4],
    [50, 6],
  ];
  const tables: readonly (readonly [string, string | null, string])[] = [
    ["b.csv", null, "file,label\n0.png,1 -2.5\n1.png,3|4\n2.png,5e1;6\n"],
    ["c.csv", null, "file,x,y\n0.png,1,-2.5\n1.png,3,4\n2.png,50,6\n"],
    ["d.csv", "place", "file,note,place\n0.png,a,1 -2.5\n1.png,b,3 4\n2.png,c,50 6\n"],
    ["e.json", null, '{"0.png": [1, -2.5], "1.png": [3, 4], "2.png": [50, 6]}'],
  ];
  for (const [name, column, content] of tables) {
    assert.deepEqual(await read(await written(name, content), column), expected, name);
  }
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["file,label\n0.png,1\n1.png,3\n2.png,5\n", /Record 2 .* has 1 number, and .* 2 values an image/],
    ["file,label\n0.png,1 2\n1.png,3 x\n2.png,5 6\n", /Record 3 .* has "x", which is no number/],
    ["file,label\n0.png,1 2\n1.png,\n2.png,5 6\n", /Record 3 .* has "", which is no number/],
  ];
  for (const [content, reason] of wrong) {
    await refused(async () => read(await written("f.csv", content)), "LABELS_MISMATCH", reason);
  }
  await refused(
    async () => read(join(folder, "d.csv"), "plaec"),
    "LABELS_MISMATCH",
    /no column "plaec"; it has: note, place/,
  );
});

test("is never guessed: it is the task where the metadata says so", () => {
  const model = modelOf((graph, x) => node(graph, "GlobalAveragePool", "y", x), ["N", 1, 8, 8]);
  assert.equal(taskOf(model).name, "features");
  model.metadata.set("cupel.task", "regression");
  assert.equal(taskOf(model).name, "regression");
});
