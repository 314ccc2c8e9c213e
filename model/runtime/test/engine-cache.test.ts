/** The engine's own graph in files: made once, opened instead of the model, and never believed when it is another. */
import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { encodeModelBytes, Tensor, tensorType } from "@cupel/onnx";
import { cachedGraph, type EngineCache, openEngineCache, openSession, tryIsolated } from "@cupel/runtime";
import { emptyModel, input } from "./tiny-models.ts";

const side = 64;

/** y = x w, twice in a row: 16 kB each, which the engine repacks. */
function products(): Uint8Array {
  const model = emptyModel();
  const { graph } = model;
  const type = tensorType("float32", [1, side]);
  let value = input(model, "x", "float32", [1, side]);
  for (const name of ["a", "b"]) {
    const weights = Float32Array.from(
      { length: side * side },
      (_, i) => ((i * 7 + name.charCodeAt(0)) % 11) - 5,
    );
    const constant = graph.addConstant(`w_${name}`, Tensor.float32([side, side], weights));
    value = graph.append({
      opType: "MatMul",
      inputs: [value, constant],
      outputs: [`y_${name}`],
      type,
    }).output;
  }
  graph.outputs.push(value);
  return encodeModelBytes(model);
}

async function answerOf(path: string, isCached: boolean): Promise<{ values: unknown; isMapped: boolean }> {
  await using session = await openSession(path, isCached ? cachedGraph : {});
  const data = Float32Array.from({ length: side }, (_, i) => i % 5);
  const { y_b } = await session.run({ x: { type: "float32", dims: [1, side], data } });
  const maps = await readFile("/proc/self/maps", "utf8").catch(() => "");
  return { values: y_b?.data, isMapped: maps.includes("weights.bin") };
}

async function fillFrom(cache: EngineCache, model: string, digest: string): Promise<string | null> {
  return cache.fill({ digest }, async (target) => {
    await using session = await openSession(model, target);
    void session;
  });
}

test("what the engine made is opened instead of the model, computes the same, and has its weights mapped", async () => {
  await using folder = await openTemporaryFolder("cache-test");
  const model = join(folder.path, "model.onnx");
  await writeFile(model, products());
  const cache = await openEngineCache(join(folder.path, "cache"));
  assert.equal(await cache.find({ digest: "a" }), null);
  const filled = await fillFrom(cache, model, "a");
  assert.ok(filled !== null);
  assert.equal(await cache.find({ digest: "a" }), filled);
  assert.equal(await cache.find({ digest: "b" }), null);
  assert.equal(await cache.find({ digest: "a", optimization: "basic" }), null);
  assert.equal(await cache.find({ digest: "a", configEntries: { "session.disable_prepacking": "1" } }), null);
  assert.equal(await cache.find({ digest: "a", threads: 7 }), filled, "threads change no graph");
  const plain = await answerOf(model, false);
  const cached = await answerOf(filled, true);
  assert.deepEqual(cached.values, plain.values);
  if (process.platform === "linux") assert.deepEqual([plain.isMapped, cached.isMapped], [false, true]);
  assert.equal((await stat(join(folder.path, "cache"))).mode & 0o777, 0o700);
});

test("an entry that is damaged, cut short, incomplete or another's is removed and made anew", async () => {
  await using folder = await openTemporaryFolder("cache-test");
  const root = join(folder.path, "cache");
  const fill = (digest: string) =>
    cache.fill({ digest }, async ({ optimisedModelPath }) => {
      await writeFile(optimisedModelPath, `a graph of ${digest}`.repeat(20));
      await writeFile(join(optimisedModelPath, "..", "weights.bin"), new Uint8Array(8192));
    });
  const cache = await openEngineCache(root);
  const spoil: Readonly<Record<string, (entry: string) => Promise<void>>> = {
    "a bit of the weights": async (entry) => {
      const bytes = await readFile(join(entry, "weights.bin"));
      bytes[5000] = bytes[5000]! ^ 1;
      await writeFile(join(entry, "weights.bin"), bytes);
    },
    "a graph cut short": (entry) => truncate(join(entry, "graph.onnx"), 100),
    "no weights": (entry) => rm(join(entry, "weights.bin")),
    "no graph": (entry) => rm(join(entry, "graph.onnx")),
    "no digests": (entry) => writeFile(join(entry, "entry"), ""),
  };
  for (const [what, damage] of Object.entries(spoil)) {
    const filled = await fill("a");
    assert.ok(filled !== null, what);
    await damage(join(filled, ".."));
    assert.equal(await cache.find({ digest: "a" }), null, what);
    assert.deepEqual(await readdir(root), [], what);
  }
  const other = await fill("other");
  const own = await fill("a");
  assert.ok(other !== null && own !== null);
  await rm(join(own, ".."), { recursive: true });
  await rename(join(other, ".."), join(own, ".."));
  assert.equal(await cache.find({ digest: "a" }), null, "an entry under another's name");
});

test("a build that fails leaves nothing, and a trial process can be the one that builds", async () => {
  await using folder = await openTemporaryFolder("cache-test");
  const root = join(folder.path, "cache");
  const model = join(folder.path, "model.onnx");
  await writeFile(model, products());
  const cache = await openEngineCache(root);
  await assert.rejects(
    cache.fill({ digest: "a" }, async (target) => {
      await writeFile(target.optimisedModelPath, "half a graph");
      throw new Error("the engine gave up");
    }),
    /gave up/,
  );
  assert.equal(await cache.fill({ digest: "a" }, async () => {}), null, "where the engine wrote nothing");
  assert.deepEqual(await readdir(root), []);
  const filled = await cache.fill({ digest: "a" }, (target) => tryIsolated(model, target));
  assert.ok(filled !== null);
  assert.deepEqual((await answerOf(filled, true)).values, (await answerOf(model, false)).values);
  assert.equal(await fillFrom(cache, model, "a"), filled, "who comes second uses what is there");
});

test("a folder that others may write to is no cache", {
  skip: process.platform === "win32" && "no modes",
}, async () => {
  await using folder = await openTemporaryFolder("cache-test");
  const open = join(folder.path, "open");
  await mkdir(open);
  await chmod(open, 0o777);
  await assert.rejects(openEngineCache(open), { code: "OPTION_INVALID", message: /others than its owner/ });
  await writeFile(join(folder.path, "file"), "");
  await assert.rejects(openEngineCache(join(folder.path, "file")), { code: "WRITE_FAILED" });
});
