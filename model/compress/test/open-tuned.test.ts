/** Where the engine reads a model from that is in memory: a large one from files, which go with the session. */
import assert from "node:assert/strict";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openTemporaryFolder, type TemporaryFolder } from "@cupel/base";
import { cloneModel, type Model, Tensor, writeModelFile } from "@cupel/onnx";
import { float32Of, openSession } from "@cupel/runtime";
import { openTuned } from "../src/calibrate/open-tuned.ts";
import { openOriginal } from "../src/open-original.ts";
import { Network } from "./support/network.ts";
import { feed } from "./support/run.ts";

let folder: TemporaryFolder;
const usual = process.env.TMPDIR;
before(async () => {
  folder = await openTemporaryFolder("test");
  process.env.TMPDIR = folder.path;
});
after(async () => {
  if (usual === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = usual;
  await folder[Symbol.asyncDispose]();
});

/** The engine's own files aside. */
const foldersLeft = async () => (await readdir(folder.path)).filter((name) => name.startsWith("cupel-"));

/** Column `at` of the dense layer is ones. */
function dense(columns: number, at: number): Model {
  const net = new Network(["N", 64]);
  const weight = new Float32Array(64 * columns);
  for (let row = 0; row < 64; row++) weight[row * columns + at] = 1;
  const held = net.model.graph.addConstant("weight", Tensor.float32([64, columns], weight));
  return net.done(net.node("MatMul", "y", [net.x, held]));
}

/** Of the columns, with 4 bytes each in 64 rows, 64 kB are small and 32 MiB are large. */
for (const [size, columns, folders] of [
  ["small", 256, 0],
  ["large", 2 ** 17, 1],
] as const) {
  test(`a ${size} model computes what it is, and ${folders} folders are left while it is open, none after`, async () => {
    const x = feed([1, 64]);
    const sum = float32Of(x).reduce((all, each) => all + each, 0);
    {
      await using opened = await openTuned(() => dense(columns, 7), { threads: 1 });
      assert.equal((await foldersLeft()).length, folders);
      const { y } = await opened.session.run({ x });
      assert.ok(Math.abs(float32Of(y!)[7]! - sum) < 1e-4);
      assert.equal(float32Of(y!)[6], 0);
    }
    assert.deepEqual(await foldersLeft(), []);
  });
}

test("a large model that does not load leaves no folder", async () => {
  const open = () => Promise.reject(new Error("it does not load"));
  await assert.rejects(
    openTuned(() => dense(2 ** 17, 7), { threads: 1, open }),
    /it does not load/,
  );
  assert.deepEqual(await foldersLeft(), []);
});

test("a large original lies in a folder while it is worked on: its sessions, and copies of it, are opened there", async () => {
  const x = feed([1, 64]);
  const sum = float32Of(x).reduce((all, each) => all + each, 0);
  const path = join(folder.path, "dense.onnx");
  await writeModelFile(dense(2 ** 17, 7), path);
  {
    await using original = await openOriginal(path);
    await rm(path);
    const { model, bytes } = original.opened;
    assert.ok(bytes > 2 ** 25);
    assert.equal(model.graph.value("weight")!.constant!.source.kind, "external");
    const copy = cloneModel(model);
    await using opened = await openTuned(() => copy, { threads: 1 });
    await using session = await original.opener(openSession)(original.source, { threads: 1 });
    assert.equal((await foldersLeft()).length, 1);
    for (const each of [opened.session, session]) {
      const { y } = await each.run({ x });
      assert.ok(Math.abs(float32Of(y!)[7]! - sum) < 1e-4);
    }
  }
  assert.deepEqual(await foldersLeft(), []);
});

test("a small original is opened where it is", async () => {
  const path = join(folder.path, "small.onnx");
  await writeModelFile(dense(256, 7), path);
  await using original = await openOriginal(path);
  assert.equal(original.source, path);
  assert.deepEqual(await foldersLeft(), []);
});
