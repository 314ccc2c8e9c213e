/** `cupel predict`: the classes of images as lines, as JSON and as CSV, told while the work goes on. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { encodeModelBytes } from "@cupel/onnx";
import { metadataKeys, writeMetadata } from "@cupel/predict";
import { preprocessingFor } from "@cupel/vision";
import { runCommand } from "../src/index.ts";
import { csvLine } from "../src/terminal/csv.ts";
import {
  catchingTerminal,
  classifier,
  cupel,
  prepared,
  type Scratch,
  scratch,
  spawnCupel,
} from "./harness.ts";

const names = ["=1+1", 'a "round", thing', "star"];

async function given(folder: Scratch, count = 60) {
  const { images, labels, model: nameless } = await prepared(folder, { count });
  const model = classifier();
  writeMetadata(model, { preprocessing: preprocessingFor([null, 1, 8, 8]), classes: names });
  return { images, labels, nameless, model: await folder.write("named.onnx", encodeModelBytes(model)) };
}

interface Told {
  readonly image: string;
  readonly class: string;
  readonly index: number;
  readonly probability: number;
  readonly top: readonly { readonly class: string; readonly index: number; readonly probability: number }[];
}

test("JSON has every image with its class, which is the one that eval counts", async () => {
  await using folder = await scratch();
  const { model, images } = await given(folder);
  const told = await cupel("predict", model, "--images", images, "--json", "--quiet");
  assert.equal(told.status, 0, told.err);
  assert.equal(told.err, "");
  const result = JSON.parse(told.out);
  const predictions: Told[] = result.predictions;
  assert.deepEqual([result.command, result.model, predictions.length], ["predict", model, 60]);
  assert.deepEqual([result.classes, result.preprocessing.origin, result.unreadable], [names, "metadata", []]);
  for (const each of predictions) {
    assert.equal(each.class, names[each.index]);
    assert.deepEqual(each.top[0], { class: each.class, index: each.index, probability: each.probability });
    // Three classes, all of them told.
    assert.ok(Math.abs(each.top.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-5);
    assert.ok(each.top.every(({ probability }, i) => i === 0 || probability <= each.top[i - 1]!.probability));
  }
  // Labels of the images are 0, 1, 2, 0, ...: what eval says is right is what is predicted here.
  const right = predictions.filter(({ index }, i) => index === i % 3).length;
  const evaluated = JSON.parse(
    (await cupel("eval", model, "--images", images, "--json", "--allow-chance")).out,
  );
  assert.equal(evaluated.models[0].top1.value, right / 60);
});

test("a line an image, with the classes asked for; a class without a name is told by its index", async () => {
  await using folder = await scratch();
  const { nameless, images } = await given(folder);
  const words = ["predict", nameless, "--images", images, "--top", "2"];
  const told = await cupel(...words);
  assert.equal(told.status, 0, told.err);
  const [header = "", ...lines] = told.out.trimEnd().split("\n");
  assert.match(header, /^image +class +probability +class 2 +probability$/);
  assert.equal(lines.length, 60);
  for (const line of lines)
    assert.match(line, /^set-images-idx3-ubyte#\d+ +class \d +[\d.]+ % +class \d +[\d.]+ %$/);
  assert.match(told.err, /does not say how its images are prepared/);
  const given_ = await cupel(...words, "--preprocessing", "preset=unit,resize=none");
  assert.doesNotMatch(given_.err, /does not say/);
});

test("CSV goes to a file or to standard output, quoted, and no name is a formula", async () => {
  await using folder = await scratch();
  const { model, images } = await given(folder);
  const path = folder.at("out", "classes.csv");
  const file = await cupel("predict", model, "--images", images, "--csv", path, "--top", "1");
  assert.equal(file.status, 0, file.err);
  assert.match(file.out, /^predictions +.*classes\.csv, 60 images$/m);
  const streamed = await cupel("predict", model, "--images", images, "--csv", "-", "--top", "1");
  const text = await readFile(path, "utf8");
  assert.equal(streamed.out, text);
  const json: Told[] = JSON.parse(
    (await cupel("predict", model, "--images", images, "--json")).out,
  ).predictions;
  const written = { "=1+1": "'=1+1", 'a "round", thing': '"a ""round"", thing"', star: "star" };
  assert.deepEqual(text.trimEnd().split("\n"), [
    "image,class,index,probability",
    ...json.map((each) => {
      const name = Object.entries(written).find(([known]) => known === each.class)?.[1];
      return `${each.image},${name},${each.index},${each.probability}`;
    }),
  ]);
  assert.equal((await cupel("predict", model, "--images", images, "--csv", "-", "--json")).status, 64);
});

test("what a spreadsheet would take for a formula gets an apostrophe, numbers do not", () => {
  assert.equal(
    csvLine(["-1.png", "+a", "@b", "=c", "\td", "e-f", -1.5]),
    "'-1.png,'+a,'@b,'=c,'\td,e-f,-1.5",
  );
  assert.equal(csvLine(["two\nlines", "a,b", 'say "so"']), '"two\nlines","a,b","say ""so"""');
});

test("the names are those that --classes gives, as many as the model has classes", async () => {
  await using folder = await scratch();
  const { model, images } = await given(folder);
  const list = await folder.write("names.txt", "one\ntwo\nthree\n");
  const { classes } = JSON.parse(
    (await cupel("predict", model, "--images", images, "--classes", list, "--json")).out,
  );
  assert.deepEqual(classes, ["one", "two", "three"]);
  const two = await folder.write("two.txt", "one\ntwo\n");
  const refused = await cupel("predict", model, "--images", images, "--classes", two);
  assert.match(refused.err, /error LABELS_MISMATCH: 2 class names are given, but .* tells 3 classes apart/);
});

const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==",
  "base64",
);

test("one image by its path; what cannot be read is left out and told, or stops with --strict", async () => {
  await using folder = await scratch();
  const { model } = await given(folder);
  const one = await cupel("predict", model, "--images", await folder.write("one/a.png", pixel), "--json");
  assert.equal(one.status, 0, one.err);
  assert.deepEqual(
    JSON.parse(one.out).predictions.map(({ image }: Told) => image),
    ["a.png"],
  );
  for (const name of ["good.png", "good2.png"]) await folder.write(`mixed/${name}`, pixel);
  await folder.write("mixed/bad.png", "no image");
  const mixed = await cupel("predict", model, "--images", folder.at("mixed"), "--json");
  const result = JSON.parse(mixed.out);
  assert.equal(result.predictions.length, 2);
  assert.deepEqual(
    result.unreadable.map(({ id }: { id: string }) => id),
    ["bad.png"],
  );
  assert.match(result.remarks.join(), /1 image could not be read/);
  const strict = await cupel("predict", model, "--images", folder.at("mixed"), "--strict", "--json");
  assert.notEqual(strict.status, 0);
  assert.equal(JSON.parse(strict.out).error.code, "IMAGES_UNREADABLE");
  const csv = folder.at("never.csv");
  assert.notEqual(
    (await cupel("predict", model, "--images", folder.at("mixed"), "--strict", "--csv", csv)).status,
    0,
  );
  await assert.rejects(readFile(csv), { code: "ENOENT" });
});

test("a model whose outputs are not of its task is refused", async () => {
  await using folder = await scratch();
  const { images } = await prepared(folder);
  const model = classifier();
  model.metadata.set(metadataKeys.task, "detection");
  const told = await cupel(
    "predict",
    await folder.write("boxes.onnx", encodeModelBytes(model)),
    "--images",
    images,
  );
  assert.equal(told.status, 65);
  assert.match(
    told.err,
    /error OUTPUT_UNSUPPORTED: .* not boxes of a form that is known: "scores" float32 \[N, 3\]/,
  );
});

test("lines come while the work goes on, and none is wanted any more when the reader goes", async () => {
  await using folder = await scratch();
  const { model, images } = await given(folder, 5000);
  let lines = 0;
  const { terminal } = catchingTerminal({ write: async () => ++lines < 100 });
  const status = await runCommand(["predict", model, "--images", images], terminal, {
    signal: new AbortController().signal,
  });
  assert.deepEqual([status, lines], [0, 100]);
  const child = spawnCupel(["predict", model, "--images", images, "--quiet"]);
  child.stdout?.once("data", () => child.stdout?.destroy());
  const { status: ended, err } = await child.ended;
  assert.deepEqual([ended, err], [0, ""]);
});

test("a prediction that is interrupted leaves one JSON object, with the error in it", async () => {
  await using folder = await scratch();
  const { model, images } = await given(folder, 5000);
  const controller = new AbortController();
  let out = "";
  const { terminal } = catchingTerminal({
    write: async (text) => {
      out += text;
      if (out.includes("#200")) controller.abort();
      return true;
    },
  });
  const status = await runCommand(["predict", model, "--images", images, "--json"], terminal, {
    signal: controller.signal,
  });
  assert.equal(status, 130);
  const { predictions, error } = JSON.parse(out);
  assert.ok(predictions.length >= 200 && predictions.length < 5000);
  assert.equal(error.code, "CANCELLED");
});

test("the model comes from standard input where it is -, for predict, eval and inspect", async () => {
  await using folder = await scratch();
  const { model, images } = await given(folder);
  const bytes = await readFile(model);
  async function* input() {
    yield bytes.subarray(0, 100);
    yield bytes.subarray(100);
  }
  const piped = async (words: readonly string[], from: AsyncIterable<Uint8Array> | null) => {
    const { terminal, told } = catchingTerminal({ input: () => from });
    const status = await runCommand(words, terminal, { signal: new AbortController().signal });
    return { status, ...told() };
  };
  for (const words of [
    ["predict", "-", "--images", images],
    ["eval", "-", "--images", images, "--allow-chance"],
    ["inspect", "-"],
  ]) {
    const told = await piped(words, input());
    assert.equal(told.status, 0, told.err);
    const direct = await cupel(...words.map((word) => (word === "-" ? model : word)));
    const known = (text: string) => text.replaceAll(model, "standard input").replaceAll(/ +/g, " ");
    assert.equal(known(told.out), known(direct.out));
    assert.match((await piped(words, null)).err, /error ARGUMENT_MISSING: .*nothing is piped/);
  }
  for (const words of [
    ["compress", "-", "--images", images, "-o", folder.at("x.onnx")],
    ["report", model, "-", "--images", images],
    ["bench-model", "-"],
    ["train", "-", "--data", images, "-o", folder.at("x.onnx")],
  ]) {
    const told = await piped(words, input());
    assert.deepEqual([told.status, told.out], [64, ""]);
    assert.match(told.err, /error ARGUMENT_UNEXPECTED: .*does not read standard input/);
  }
  const compare = await piped(["eval", model, "--compare", "-", "--images", images], input());
  assert.match(compare.err, /error OPTION_INVALID: --compare needs a file/);
});
