/** What the commands tell of a model that reads text, and the table that it is measured against. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModelBytes, inferShapes, Model, tensorType, Value } from "@cupel/onnx";
import { bitmap } from "./bitmap.ts";
import { cupel, prepared, type Scratch, scratch } from "./harness.ts";

const side = 8;

/** A grey image is its own scores: a column is a step and a row a class. */
async function reader(folder: Scratch): Promise<string> {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 13]]) });
  const x = model.graph.add(new Value("x", tensorType("float32", ["N", 1, side, "W"])));
  model.graph.inputs.push(x);
  const columns = model.graph.append({
    opType: "ReduceMean",
    name: "columns",
    inputs: [x],
    outputs: ["columns"],
    attributes: { axes: { kind: "ints", value: [1] }, keepdims: { kind: "int", value: 0 } },
  });
  const steps = model.graph.append({
    opType: "Transpose",
    name: "steps",
    inputs: [columns.output],
    outputs: ["steps"],
    attributes: { perm: { kind: "ints", value: [0, 2, 1] } },
  });
  model.graph.outputs.push(steps.output);
  inferShapes(model);
  model.metadata.set("character", "a\nb\nc\nd\ne\n=");
  return await folder.write("reader.onnx", encodeModelBytes(model));
}

/** Black but for one row. */
const line = (row: number) => bitmap(side, (_x, y) => (y === row ? 255 : 0));

const preparation = ["--preprocessing", "preset=unit,colour=grey,layout=NCHW,crop=8,resize=none"];

test("predict tells the text of each image, eval how many are exact and how many characters are wrong", async () => {
  await using folder = await scratch();
  const model = await reader(folder);
  await folder.write("lines/1.bmp", line(1));
  await folder.write("lines/2.bmp", line(6));
  const words = [model, "--images", folder.at("lines"), ...preparation];
  const table = await cupel("predict", ...words);
  assert.equal(table.status, 0, table.err);
  assert.match(
    table.err,
    /taken for a model of sequence, because .*read as a sequence of 8 classes, by CTC/s,
  );
  assert.match(table.out, /^image +confidence +text\n1\.bmp +\d+\.\d+ % +a\n2\.bmp +\d+\.\d+ % +=$/m);
  const { out } = await cupel("predict", ...words, "--json");
  const { predictions } = JSON.parse(out);
  assert.deepEqual(
    predictions.map((each: { image: string; text: string }) => [each.image, each.text]),
    [
      ["1.bmp", "a"],
      ["2.bmp", "="],
    ],
  );
  const csv = await cupel("predict", ...words, "--csv", "-");
  assert.match(csv.out, /^2\.bmp,'=,/m, "no formula for a spreadsheet");

  const labels = await folder.write("labels.csv", "file,text\nlines/1.bmp,ab\nlines/2.bmp,=\n");
  const told = await cupel("eval", ...words, "--labels", labels, "--compare", model);
  assert.equal(told.status, 0, told.err);
  assert.match(told.out, /exact match 50\.00 %, character error rate 33\.33 %, 2 images/);
  assert.match(told.out, /same text +100\.00 % of 2 images/);
});

test("a table of texts is refused where the model tells classes apart", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const labels = await folder.write("labels.csv", "file,text\n1.bmp,ab\n");
  const { status, err } = await cupel("eval", model, "--images", images, "--labels", labels);
  assert.equal(status, 65);
  assert.match(
    err,
    /error LABELS_MISMATCH: .* is a file of boxes, texts or several classes an image; for a model of classification/,
  );
});
