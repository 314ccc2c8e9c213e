/** What the commands tell of models whose labels are in a table: several classes an image, and numbers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModelBytes } from "@cupel/onnx";
import { bitmap } from "./bitmap.ts";
import { classifier, cupel, type Scratch, scratch } from "./harness.ts";

const side = 8;
const count = 6;

/** Of one level but for the column on the left. */
const striped = (level: number) => bitmap(side, (x) => (x === 0 ? 255 - level : level));

async function pictures(folder: Scratch): Promise<string> {
  for (let i = 0; i < count; i++) await folder.write(`in/${i}.bmp`, striped(i * 50));
  return folder.at("in");
}

const preparation = ["--preprocessing", "preset=unit,colour=grey,layout=NCHW,crop=8,resize=none"];

/** Of three classes, each through a sigmoid. */
async function multiLabel(folder: Scratch): Promise<string> {
  const model = classifier();
  const [scores] = model.graph.outputs.splice(0);
  model.graph.outputs.push(
    model.graph.append({ opType: "Sigmoid", inputs: [scores!], outputs: ["shares"] }).output,
  );
  return await folder.write("sets.onnx", encodeModelBytes(model));
}

interface Told {
  readonly image: string;
  readonly classes: readonly { readonly class: string; readonly score: number }[];
  readonly top: readonly { readonly class: string; readonly score: number }[];
}

interface Figure {
  readonly name: string;
  readonly of: string;
}

test("of several classes an image predict tells those of a half and more, eval and compress measure them", async () => {
  await using folder = await scratch();
  const model = await multiLabel(folder);
  const names = await folder.write("names.txt", "cat\ndog\nbird\n");
  const words = [model, "--images", await pictures(folder), ...preparation, "--classes", names];
  const { out, err, status } = await cupel("predict", ...words, "--json");
  assert.equal(status, 0, err);
  assert.match(err, /taken for a model of multi-label, because .*; --task gives another/);
  const predictions: readonly Told[] = JSON.parse(out).predictions;
  assert.equal(predictions.length, count);
  for (const { classes, top } of predictions) {
    assert.deepEqual(
      classes,
      top.filter(({ score }) => score >= 0.5),
    );
  }
  const table = await cupel("predict", ...words);
  const [first] = predictions;
  assert.match(table.out, new RegExp(`^0\\.bmp +${first!.classes[0]?.class ?? "none"}`, "m"));
  // What is predicted, as a table, is a table of labels: the model is right about all of it.
  const csv = await cupel("predict", ...words, "--csv", "-");
  const labels = await folder.write(
    "in/labels.tsv.csv",
    csv.out.replace("image,labels,scores", "file,labels,scores"),
  );
  const told = await cupel("eval", ...words, "--labels", labels, "--task", "multi-label", "--compare", model);
  assert.equal(told.status, 0, told.err);
  assert.match(told.out, /mAP 100\.00 %, micro F1 at 0\.5 100\.00 %, 6 images/);
  assert.match(told.out, /same classes +100\.00 % of 6 images/);
  assert.match(told.out, /difference of mAP +0\.00 % of 6 images, 95 % interval 0\.00 to 0\.00/);

  const members = ["file,cat,dog,bird", ...Array.from({ length: count }, (_, i) => `${i}.bmp,${i % 2},1,0`)];
  const columns = await folder.write("in/columns.csv", members.join("\n"));
  const small = folder.at("small.onnx");
  const compressed = await cupel(
    "compress",
    ...words,
    "--labels",
    columns,
    "-o",
    small,
    "--json",
    "--no-report",
  );
  assert.equal(compressed.status, 0, compressed.err);
  assert.equal(
    JSON.parse(compressed.out).check.outputs[0].measure,
    "sqnrDb",
    "no class is the one of an image",
  );
  const measured = await cupel("eval", ...words, "--labels", columns, "--compare", small, "--json");
  const { models, comparison } = JSON.parse(measured.out);
  for (const { task, figures } of models) {
    assert.equal(task, "multi-label");
    assert.deepEqual(
      figures.map(({ name, of }: Figure) => [name, of]),
      [
        ["mAP", "2 classes in 6 images"],
        ["micro F1 at 0.5", "6 images"],
      ],
    );
  }
  assert.equal(comparison[0].name, "same classes");
});

test("numbers are measured against a table where --task regression says so, and predicted as values", async () => {
  await using folder = await scratch();
  const model = await folder.write("numbers.onnx", encodeModelBytes(classifier()));
  const words = [model, "--images", await pictures(folder), ...preparation, "--task", "regression"];
  const { out, err } = await cupel("predict", ...words, "--json");
  const predictions: readonly {
    readonly image: string;
    readonly outputs: readonly [{ readonly values: number[] }];
  }[] = JSON.parse(out || err).predictions;
  const rows = predictions.map(
    ({ image, outputs: [{ values }] }) => `${image},${values.map((value) => value + 0.5).join(" ")}`,
  );
  const labels = await folder.write("in/numbers.csv", `file,label\n${rows.join("\n")}\n`);
  const told = await cupel("eval", ...words, "--labels", labels, "--compare", model);
  assert.equal(told.status, 0, told.err);
  assert.match(told.out, /mean absolute error 0\.5, root mean square error 0\.5, 6 images/);
  assert.match(told.out, /difference of mean absolute error +0, 95 % interval 0 to 0, 6 images/);
});
