/** Bad input, one row each: its own error code, a status that is not 0, and nothing written. */
import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import test from "node:test";
import { Model, tensorType, Value, writeModelFile } from "@cupel/onnx";
import {
  classifier,
  classifierBytes,
  cupel,
  filesUnder,
  prepared,
  type Scratch,
  scratch,
  spawnCupel,
  type Told,
} from "./harness.ts";

interface BadInput {
  readonly what: string;
  readonly code: string;
  /** Completes `cupel compress`, where -o is added. Files it needs go into the folder. */
  words(folder: Scratch): Promise<readonly string[]>;
  /** Run as a process of its own, after this shell command. */
  readonly shell?: string;
}

/** A model of its own with good images. */
const withModel = (bytes: () => Uint8Array | string) => async (folder: Scratch) => {
  const { images } = await prepared(folder);
  return [await folder.write("bad.onnx", bytes()), "--images", images];
};

/** A good model and images, and more options. */
const withOptions =
  (...options: readonly string[]) =>
  async (folder: Scratch) => {
    const { model, images } = await prepared(folder);
    return [model, "--images", images, ...options];
  };

const withRecipe = (json: string) => async (folder: Scratch) => [
  ...(await withOptions()(folder)),
  "--recipe",
  await folder.write("recipe.json", json),
];

const png = Buffer.from("no image at all");

const table: readonly BadInput[] = [
  { what: "a model that is no protobuf", code: "MODEL_NOT_PROTOBUF", words: withModel(() => "this is text") },
  {
    what: "a truncated model",
    code: "MODEL_TRUNCATED",
    words: withModel(() => classifierBytes().subarray(0, 900)),
  },
  {
    what: "a model that is not there",
    code: "MODEL_NOT_FOUND",
    words: async (folder) => [folder.at("nothing.onnx"), "--images", (await prepared(folder)).images],
  },
  {
    what: "external weights that are missing",
    code: "EXTERNAL_DATA_MISSING",
    async words(folder) {
      const { images } = await prepared(folder);
      const path = folder.at("external.onnx");
      const { dataPath } = await writeModelFile(classifier(), path, { externalData: { minBytes: 1 } });
      await rm(dataPath!);
      return [path, "--images", images];
    },
  },
  {
    what: "an operator set that is too old",
    code: "OPSET_UNSUPPORTED",
    words: withModel(() => classifierBytes({ opset: 6 })),
  },
  {
    what: "an operator set that is too new",
    code: "MODEL_TOO_NEW",
    words: withModel(() => classifierBytes({ opset: 99 })),
  },
  {
    what: "an input of unknown rank",
    code: "RANK_UNKNOWN",
    words: withModel(() => classifierBytes({ inputShape: null })),
  },
  {
    what: "a weight that is NaN",
    code: "WEIGHT_NOT_FINITE",
    words: withModel(() => classifierBytes({ firstWeight: Number.NaN })),
  },
  {
    what: "a folder without images",
    code: "IMAGES_NONE",
    async words(folder) {
      await folder.write("empty/readme.txt", "no images here");
      return [(await prepared(folder)).model, "--images", folder.at("empty")];
    },
  },
  {
    what: "images that are not there",
    code: "IMAGE_SOURCE_UNKNOWN",
    words: async (folder) => [(await prepared(folder)).model, "--images", folder.at("nowhere")],
  },
  {
    what: "images none of which can be read",
    code: "IMAGES_UNREADABLE",
    async words(folder) {
      for (let i = 0; i < 3; i++) await folder.write(`broken/${i}.png`, png);
      return [(await prepared(folder)).model, "--images", folder.at("broken")];
    },
  },
  {
    what: "labels for other images",
    code: "LABELS_MISMATCH",
    async words(folder) {
      await folder.write("some/a.png", png);
      const labels = await folder.write("labels.csv", "file,label\nsomething-else.png,1\n");
      return [(await prepared(folder)).model, "--images", folder.at("some"), "--labels", labels];
    },
  },
  {
    what: "labels beyond the classes of the model",
    code: "LABELS_MISMATCH",
    async words(folder) {
      const { images, labels } = await prepared(folder, { classes: 9 });
      const model = await folder.write("three.onnx", classifierBytes({ classes: 3 }));
      return [model, "--images", images, "--labels", labels];
    },
  },
  {
    what: "images of another shape than the input",
    code: "INPUT_SHAPE_MISMATCH",
    words: withOptions("--preprocessing", "crop=16"),
  },
  {
    what: "a model whose input is no image",
    code: "PREPROCESSING_INVALID",
    words: withModel(() => classifierBytes({ inputShape: ["N", 12] })),
  },
  { what: "a recipe that is not JSON", code: "RECIPE_INVALID", words: withRecipe("{ stages:") },
  {
    what: "a recipe with an unknown key",
    code: "RECIPE_KEY_UNKNOWN",
    words: withRecipe('{ "stages": [{ "stage": "clean" }], "targets": {} }'),
  },
  {
    what: "a recipe that cannot be read",
    code: "FILE_UNREADABLE",
    words: withOptions("--recipe", "no-such-recipe.json"),
  },
  {
    what: "a size no setting reaches",
    code: "BUDGET_UNREACHABLE",
    words: withOptions("--max-bytes", "100"),
  },
  {
    what: "a disk that fills while the model is written",
    code: "DISK_FULL",
    shell: "ulimit -f 16",
    async words(folder) {
      const { model, images } = await prepared(folder, { filters: 64 });
      return [model, "--images", images];
    },
  },
];

for (const { what, code, words, shell } of table) {
  test(`${what} is refused with ${code}`, {
    skip: shell && process.platform === "win32" ? "no ulimit here" : false,
  }, async () => {
    await using folder = await scratch();
    const given = await words(folder);
    const before = await filesUnder(folder.path);
    const line = ["compress", ...given, "-o", folder.at("out.onnx"), "--json"];
    const told: Told = shell === undefined ? await cupel(...line) : await spawnCupel(line, shell).ended;
    assert.notEqual(told.status, 0, told.err);
    assert.match(told.err, new RegExp(`^error ${code}: .{20,}`, "m"));
    assert.equal(JSON.parse(told.out).error.code, code);
    assert.deepEqual(await filesUnder(folder.path), before, "a file was left behind");
  });
}

test("strict refuses the first image that cannot be read", async () => {
  await using folder = await scratch();
  const { model } = await prepared(folder);
  await folder.write("broken/0.png", png);
  const told = await cupel("eval", model, "--images", folder.at("broken"), "--strict");
  assert.equal(told.status, 65);
  assert.match(told.err, /error IMAGES_UNREADABLE: .*0\.png/);
});

test("the model to compress is never overwritten, under whatever name", async () => {
  await using folder = await scratch();
  const { model, images } = await prepared(folder);
  const before = await readFile(model);
  const told = await cupel(
    "compress",
    model,
    "--images",
    images,
    "-o",
    folder.at(".", "sub", "..", "model.onnx"),
  );
  assert.equal(told.status, 64);
  assert.match(told.err, /error OUTPUT_IS_INPUT/);
  assert.deepEqual(await readFile(model), before);
});

test("inspect shows a model that cannot be compressed, and says why the engine cannot run it", async () => {
  await using folder = await scratch();
  const model = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  const x = model.graph.add(new Value("x", tensorType("float32", [1])));
  model.graph.inputs.push(x);
  model.opsets.set("acme", 1);
  model.graph.outputs.push(
    model.graph.append({
      opType: "Mystery",
      domain: "acme",
      inputs: [x],
      outputs: ["y"],
      type: tensorType("float32", [1]),
    }).output,
  );
  const path = folder.at("mystery.onnx");
  await writeModelFile(model, path);
  const told = await cupel("inspect", path, "--json");
  assert.equal(told.status, 65, told.err);
  const { engine, operators } = JSON.parse(told.out);
  assert.equal(engine.runs, false);
  assert.match(engine.reason, /Mystery/);
  assert.deepEqual(operators, { "acme.Mystery": 1 });
});
