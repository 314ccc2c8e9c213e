import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { after, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "../src/gen/onnx_pb.ts";
import {
  attribute,
  cloneModel,
  encodeModelBytes,
  externalAlignment,
  type Model,
  readModel,
  readModelFile,
  Tensor,
  takeOut,
  weightFolder,
  weightFolderOf,
  writeModelFile,
  writtenBytes,
} from "../src/index.ts";
import { modelOf, valueNamed } from "./support/build.ts";

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "cupel-"));
  folders.push(folder);
  return folder;
}

/** Three weights, two of them large enough to go outside. */
function weighted(): Model {
  const model = modelOf({ x: ["N", 2000] });
  const { graph } = model;
  const weights = [2000, 3, 1500].map((size, i) =>
    graph.addConstant(
      `w${i}`,
      Tensor.float32(
        [size],
        Float32Array.from({ length: size }, (_, at) => at * (i + 1)),
      ),
    ),
  );
  const node = graph.append({ opType: "Sum", inputs: [valueNamed(model, "x"), ...weights] });
  graph.outputs.push(node.output);
  return model;
}

test("weights written beside the model lie on pages and read back the same", async () => {
  const folder = await temporaryFolder();
  const model = weighted();
  const written = await writeModelFile(model, join(folder, "m.onnx"), { externalData: {} });
  const again = await readModelFile(written.path);
  const places = ["w0", "w1", "w2"].map((name) => again.graph.value(name)!.constant!.source);
  assert.deepEqual(
    places.map((source) => source.kind),
    ["external", "bytes", "external"],
  );
  for (const source of places)
    if (source.kind === "external") assert.equal(source.place.offset % externalAlignment, 0);
  for (const name of ["w0", "w1", "w2"]) {
    assert.deepEqual(again.graph.value(name)!.constant!.bytes(), valueNamed(model, name).constant!.bytes());
  }
  const sizes = await Promise.all(
    (await readdir(folder)).map(async (file) => (await stat(join(folder, file))).size),
  );
  assert.equal(
    sizes.reduce((a, b) => a + b),
    written.bytes,
  );
  assert.equal(writtenBytes(model, written.path, { externalData: {} }), written.bytes);
  const digest = createHash("sha256")
    .update(await readFile(written.dataPath!))
    .digest("hex");
  assert.equal(basename(written.dataPath!), `m.${digest.slice(0, 12)}.data`);
  const whole = await writeModelFile(model, join(folder, "whole.onnx"));
  assert.equal(writtenBytes(model, whole.path), (await stat(whole.path)).size);
});

test("what a tensor computes is not asked for by who wants the size, and is written like any other", async () => {
  const folder = await temporaryFolder();
  const model = weighted();
  const [w0, w1] = ["w0", "w1"].map((name) => valueNamed(model, name));
  const bytes = w0!.constant!.bytes();
  const small = w1!.constant!.bytes();
  const plain = encodeModelBytes(model);
  let asked = 0;
  const made = (tensor: Tensor, from: Uint8Array) =>
    Tensor.made(tensor.type, tensor.dims, () => {
      asked++;
      return from;
    });
  model.graph.setConstant(w0!, made(w0!.constant!, bytes));
  model.graph.setConstant(w1!, made(w1!.constant!, small));
  const path = join(folder, "m.onnx");
  assert.equal(writtenBytes(model, path), plain.byteLength);
  const apart = writtenBytes(model, path, { externalData: {} });
  assert.equal(asked, 0);
  assert.deepEqual(encodeModelBytes(model), plain);
  assert.equal((await writeModelFile(model, path, { externalData: {} })).bytes, apart);
  assert.deepEqual((await readModelFile(path)).graph.value("w0")!.constant!.bytes(), bytes);
  const external = await readModelFile(path);
  assert.equal(writtenBytes(external, path), plain.byteLength);
});

test("the same bytes in tensors of other sizes are other files: neither model finds the weights of the other", async () => {
  const folder = await temporaryFolder();
  const parted = (...sizes: number[]) => {
    const model = modelOf({ x: ["N"] });
    const weights = sizes.map((size, i) =>
      model.graph.addConstant(`w${i}`, Tensor.float32([size], new Float32Array(size).fill(1))),
    );
    const node = model.graph.append({
      opType: "Concat",
      inputs: weights,
      attributes: { axis: attribute.int(0) },
    });
    model.graph.outputs.push(node.output);
    return model;
  };
  const at = (name: string) => join(folder, name, "m.onnx");
  const one = await writeModelFile(parted(3001), at("one"), { externalData: {} });
  const two = await writeModelFile(parted(1100, 1901), at("two"), { externalData: {} });
  assert.notEqual(basename(one.dataPath!), basename(two.dataPath!));
});

test("a model with outside weights is written into one file, and back out again", async () => {
  const folder = await temporaryFolder();
  const first = await writeModelFile(weighted(), join(folder, "m.onnx"), { externalData: {} });
  const inside = await writeModelFile(await readModelFile(first.path), join(folder, "one", "m.onnx"));
  assert.equal(inside.dataPath, null);
  const second = await writeModelFile(await readModelFile(inside.path), join(folder, "two", "m.onnx"), {
    externalData: {},
  });
  assert.deepEqual(await readFile(second.path), await readFile(first.path));
});

test("a missing or too short weights file is told by name when the model is opened", async () => {
  const folder = await temporaryFolder();
  const { path, dataPath } = await writeModelFile(weighted(), join(folder, "m.onnx"), { externalData: {} });
  await truncate(dataPath!, 9000);
  await assert.rejects(readModelFile(path), { code: "EXTERNAL_DATA_MISSING", message: /m\.\w+\.data/ });
  await rm(dataPath!);
  await assert.rejects(readModelFile(path), { code: "EXTERNAL_DATA_MISSING" });
});

test("a model and its weights that are links to another folder, as in a cache of downloads, are read", async () => {
  const folder = await temporaryFolder();
  const blobs = join(folder, "blobs");
  const { path, dataPath } = await writeModelFile(weighted(), join(blobs, "m.onnx"), { externalData: {} });
  const at = (...names: string[]) => join(folder, "snapshots", "main", ...names);
  await mkdir(at(), { recursive: true });
  await symlink(relative(at(), path), at("m.onnx"));
  await symlink(relative(at(), dataPath!), at(basename(dataPath!)));
  const original = await readModelFile(path);
  const linked = await readModelFile(at("m.onnx"));
  assert.deepEqual(valueNamed(linked, "w0").constant!.bytes(), valueNamed(original, "w0").constant!.bytes());
});

test("weights that are a link into a folder where the model does not lie are refused", async () => {
  const folder = await temporaryFolder();
  const { path, dataPath } = await writeModelFile(weighted(), join(folder, "here", "m.onnx"), {
    externalData: {},
  });
  await mkdir(join(folder, "elsewhere"));
  const moved = join(folder, "elsewhere", "secret");
  await rename(dataPath!, moved);
  await symlink(moved, dataPath!);
  await assert.rejects(readModelFile(path), { code: "EXTERNAL_DATA_MISSING" });
});

test("a model or its weights that are a folder or a pipe are refused at once", async () => {
  const folder = await temporaryFolder();
  const { path, dataPath } = await writeModelFile(weighted(), join(folder, "m.onnx"), { externalData: {} });
  const others = [() => mkdir(dataPath!)];
  if (process.platform !== "win32") others.push(async () => void execFileSync("mkfifo", [dataPath!]));
  for (const make of others) {
    await rm(dataPath!, { recursive: true });
    await make();
    await assert.rejects(readModelFile(path), { code: "EXTERNAL_DATA_MISSING", message: /not a file/ });
    await assert.rejects(readModelFile(dataPath!), { code: "MODEL_NOT_FOUND", message: /not a file/ });
  }
});

test("a file that shrinks after it was opened is an error, not zeros", async () => {
  const folder = await temporaryFolder();
  const { path, dataPath } = await writeModelFile(weighted(), join(folder, "m.onnx"), { externalData: {} });
  const model = await readModelFile(path);
  await truncate(dataPath!, 100);
  assert.throws(() => valueNamed(model, "w0").constant!.bytes(), { code: "EXTERNAL_DATA_MISSING" });
});

test("bytes without a folder cannot reach files", async () => {
  const folder = await temporaryFolder();
  const { path } = await writeModelFile(weighted(), join(folder, "m.onnx"), { externalData: {} });
  const bytes = await readFile(path);
  assert.throws(() => readModel(bytes), { code: "EXTERNAL_DATA_MISSING", message: /Open it by path/ });
});

/** A model of one uint8 weight of four bytes kept where `entries` say. */
function pointingTo(entries: Readonly<Record<string, string>>): Uint8Array {
  const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: "", version: 17n }],
      graph: {
        name: "g",
        initializer: [{ name: "w", dims: [4n], dataType: 2, dataLocation: 1, externalData }],
      },
    }),
  );
}

test("a location that leads out of the folder, by name or by link, is refused", async () => {
  const folder = await temporaryFolder();
  const inner = join(folder, "model");
  await mkdir(join(inner, "sub"), { recursive: true });
  await writeFile(join(folder, "secret"), "abcd");
  await writeFile(join(inner, "sub", "weights"), "wxyz");
  await symlink(join(folder, "secret"), join(inner, "link"));
  await symlink(folder, join(inner, "up"));
  await symlink(join(inner, "sub", "weights"), join(inner, "fine"));
  await writeFile(join(inner, "..dots"), "dots");
  const read = (location: string) =>
    readModel(pointingTo({ location }), { folder: inner }).graph.value("w")!.constant!.bytes();
  for (const location of [
    "../secret",
    "sub/../../secret",
    join(folder, "secret"),
    "link",
    "up/secret",
    "",
    ".",
    "..",
  ]) {
    assert.throws(
      () => read(location),
      { code: "EXTERNAL_DATA_MISSING", message: /inside the model's folder/ },
      location,
    );
  }
  for (const [location, text] of [
    ["sub/weights", "wxyz"],
    ["./sub/weights", "wxyz"],
    ["fine", "wxyz"],
    ["..dots", "dots"],
  ] as const) {
    assert.equal(Buffer.from(read(location)).toString(), text);
  }
});

test("offsets and lengths must be whole numbers that fit the file", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "data"), "0123456789");
  const read = (entries: Record<string, string>) =>
    Buffer.from(
      readModel(pointingTo({ location: "data", ...entries }), { folder })
        .graph.value("w")!
        .constant!.bytes(),
    ).toString();
  assert.equal(read({ offset: "6", length: "4" }), "6789");
  assert.equal(read({}), "0123");
  for (const entries of [
    { offset: "7" },
    { offset: "-1" },
    { offset: "x" },
    { offset: "0.5" },
    { length: "3" },
    { length: "x" },
  ]) {
    assert.throws(() => read(entries), { code: "EXTERNAL_DATA_MISSING" }, JSON.stringify(entries));
  }
});

test("a large model is opened without a copy of its weights", async () => {
  const path = join(await temporaryFolder(), "large.onnx");
  const bytes = 100 * 2 ** 20;
  const big = modelOf({ x: [1] });
  const weight = big.graph.addConstant("w", Tensor.float32([bytes / 4], new Float32Array(bytes / 4)));
  big.graph.outputs.push(big.graph.append({ opType: "Add", inputs: [valueNamed(big, "x"), weight] }).output);
  await writeModelFile(big, path);
  const before = process.memoryUsage();
  const model = await readModelFile(path);
  const after = process.memoryUsage();
  const held = valueNamed(model, "w").constant!.bytes();
  const file = held.buffer.byteLength;
  assert.ok(file >= bytes && file < bytes + 4096, "the tensor is a view of the file's one buffer");
  const grown = after.arrayBuffers - before.arrayBuffers - file;
  assert.ok(grown < 2 ** 20, `${grown} bytes of buffers beside the file`);
  assert.ok(after.heapUsed - before.heapUsed < 8 * 2 ** 20, "the heap does not grow with the weights");
});

test("a write that fails leaves the old model", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "m.onnx");
  await writeModelFile(weighted(), path);
  const before = await readFile(path);
  const aborted = AbortSignal.abort();
  await assert.rejects(writeModelFile(modelOf({ x: [1] }), path, { signal: aborted }), { code: "CANCELLED" });
  assert.deepEqual(await readFile(path), before);
  assert.deepEqual(await readdir(folder), ["m.onnx"]);
  // A folder in the way: the rename fails, and the partial file goes.
  await mkdir(join(folder, "taken.onnx"));
  await assert.rejects(writeModelFile(weighted(), join(folder, "taken.onnx")), { code: "WRITE_FAILED" });
  assert.deepEqual((await readdir(folder)).sort(), ["m.onnx", "taken.onnx"]);
});

test("a reader never sees half a file", async () => {
  const path = join(await temporaryFolder(), "m.onnx");
  const model = weighted();
  await writeModelFile(model, path);
  const expected = encodeModelBytes(model).byteLength;
  let done = false;
  const writing = (async () => {
    for (let i = 0; i < 20; i++) await writeModelFile(model, path);
    done = true;
  })();
  while (!done) {
    const file = await open(path);
    assert.equal((await file.stat()).size, expected);
    await file.close();
  }
  await writing;
});

test("a weight folder takes the large weights of a model once, and copies share them", async () => {
  const folder = await temporaryFolder();
  const weights = weightFolder(folder);
  const model = weighted();
  const before = Array.from(model.graph.initializers, ({ constant }) => constant!.toFloat32());
  await weights.keep(model);
  const kept = Array.from(model.graph.initializers, ({ constant }) => constant!);
  assert.deepEqual(
    kept.map(({ source }) => source.kind),
    ["external", "bytes", "external"],
  );
  assert.deepEqual(
    kept.map((tensor) => tensor.toFloat32()),
    before,
  );
  assert.equal(weightFolderOf(cloneModel(model)), weights);
  const files = await readdir(folder);
  await weights.keep(cloneModel(model));
  assert.deepEqual(await readdir(folder), files);
});

test("a model written into a weight folder brings a file of what is new, and takes it along", async () => {
  const folder = await temporaryFolder();
  const weights = weightFolder(folder);
  const model = weighted();
  await weights.keep(model);
  const files = await readdir(folder);
  const changed = cloneModel(model);
  const values = new Float32Array(1500).fill(7);
  changed.graph.setConstant(changed.graph.value("w2")!, Tensor.float32([1500], values));
  {
    await using written = await weights.write(changed);
    const data = written.path.replace(/onnx$/, "data");
    assert.equal((await stat(data)).size, 4 * 1500);
    assert.ok((await stat(written.path)).size < 4096);
    const read = await readModelFile(written.path);
    assert.deepEqual(read.graph.value("w2")!.constant!.toFloat32(), values);
    const [first] = model.graph.initializers;
    assert.deepEqual(read.graph.value("w0")!.constant!.toFloat32(), first!.constant!.toFloat32());
  }
  assert.deepEqual(await readdir(folder), files);
});

test("a model that moved into a weight folder holds nothing of the bytes it was read from", async () => {
  const bytes = encodeModelBytes(weighted());
  const before = encodeModelBytes(readModel(bytes));
  const { model } = await weightFolder(await temporaryFolder()).moveIn(readModel(bytes));
  assert.notEqual(weightFolderOf(model), null);
  bytes.fill(0);
  assert.deepEqual(encodeModelBytes(model), before);
});

test("weights that are taken out of a weight folder outlive it", async () => {
  const folder = await temporaryFolder();
  const model = weighted();
  const before = encodeModelBytes(model);
  await weightFolder(folder).keep(model);
  takeOut(model);
  for (const file of await readdir(folder)) await rm(join(folder, file));
  assert.deepEqual(encodeModelBytes(model), before);
  assert.equal(weightFolderOf(model), null);
});
