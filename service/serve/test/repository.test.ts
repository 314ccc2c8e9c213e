/** A folder of real models behind one door: names, digests, gate, events, weights in other files, and what is refused. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Gate, type GateRequest, openTemporaryFolder, type WorkEvent } from "@cupel/base";
import { readModel, Tensor, writeModelFile } from "@cupel/onnx";
import { anonymous, type Call } from "../src/core/call.ts";
import type { ModelRepository } from "../src/repository/model-repository.ts";
import { openRepository } from "../src/repository/open-repository.ts";
import { brightness, scaler } from "./support/tiny-models.ts";

const call = (): Call => ({
  face: "rest",
  principal: anonymous,
  signal: new AbortController().signal,
  address: "",
  times: {},
});

/** What the scaler in service multiplies by. */
async function factorOf(repository: ModelRepository, model: string, version?: string): Promise<number> {
  using lease = repository.lease(model, version);
  const feeds = { x: { type: "float32", dims: [1, 3], data: Float32Array.of(1, 1, 1) } } as const;
  const { outputs } = await lease.version.run(feeds, { call: call() });
  return Number(outputs.y?.data[0]);
}

async function put(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

/** A scaler whose factor lies in a file of weights beside it. */
async function putScalerWithWeights(path: string, factor: number): Promise<string> {
  const model = readModel(scaler(factor));
  const scale = [...model.graph.initializers][0]!;
  model.graph.setConstant(scale, Tensor.float32([3], new Float32Array(3).fill(factor)));
  await mkdir(dirname(path), { recursive: true });
  const { dataPath } = await writeModelFile(model, path, { externalData: { minBytes: 1 } });
  assert.ok(dataPath !== null);
  return dataPath;
}

test("a folder is served: versions, metadata, digests, and what cannot be served by its name", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  const at = (...names: string[]) => join(folder.path, ...names);
  await put(at("scaler.onnx"), scaler(3));
  await put(at("scaler", "2", "model.onnx"), scaler(4));
  await put(at("brightness", "model.onnx"), brightness());
  await put(at("stats.onnx"), scaler(5));
  await put(at("brightness.report.html"), Buffer.from("a report"));
  const events: WorkEvent[] = [];
  const paths: string[] = [];
  await using repository = await openRepository(folder.path, {
    trial: "none",
    policyOf: () => ({ kind: "all" }),
    gate: {
      async allow({ path }) {
        paths.push(path);
        return { allowed: true };
      },
    },
    sink: { emit: async (event) => void events.push(event) },
  });
  assert.deepEqual(
    repository.index().map(({ name, version, state }) => `${name} ${version} ${state}`),
    ["scaler 1 READY", "scaler 2 READY", "brightness 1 READY", "stats 1 UNAVAILABLE"],
  );
  assert.match(repository.index().at(-1)?.reason ?? "", /statistics of all models/);
  assert.equal(repository.isReady, false, "it was asked to serve stats");
  assert.equal(await factorOf(repository, "scaler"), 4);
  assert.equal(await factorOf(repository, "scaler", "1"), 3);
  const [bright] = repository.versions("brightness");
  assert.equal(bright?.properties.task, "classification");
  assert.equal(bright?.properties.classes, '["dark","bright"]');
  assert.equal(JSON.parse(bright?.properties.preprocessing ?? "").colour, "grey");
  const sum = execFileSync("sha256sum", [at("brightness", "model.onnx")], { encoding: "utf8" }).split(" ")[0];
  assert.equal(bright?.digest, sum);
  assert.deepEqual(
    paths.sort(),
    [at("brightness", "model.onnx"), at("scaler", "2", "model.onnx"), at("scaler.onnx")].sort(),
    "the gate is asked for the files as they lie in the folder",
  );
  assert.deepEqual(
    events
      .filter(({ action }) => action === "MODEL.LOAD")
      .map(({ object }) => object.version)
      .sort(),
    ["1", "1", "2"],
  );
  // No other model is named: whoever asks may not be allowed to know of it.
  assert.throws(() => repository.lease("none"), { code: "MODEL_UNKNOWN", message: /^(?!.*scaler).*"none"/ });
  await assert.rejects(repository.load("none"), { code: "MODEL_UNKNOWN" });
  const [, second] = repository.versions("scaler");
  await put(at("scaler", "3", "model.onnx"), scaler(5));
  await repository.load("scaler");
  assert.equal(await factorOf(repository, "scaler"), 5);
  assert.equal(repository.versions("scaler")[1]?.sessionId, second?.sessionId);
  await rm(at("brightness"), { recursive: true });
  await assert.rejects(repository.load("brightness"), { code: "MODEL_UNKNOWN" });
});

test("weights in other files belong to the digest, and what happens to them later reaches nothing", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  const path = join(folder.path, "x", "1", "model.onnx");
  const weights = await putScalerWithWeights(path, 7);
  const absent = await putScalerWithWeights(join(folder.path, "y", "model.onnx"), 6);
  const absentBytes = await readFile(absent);
  await rm(absent);
  const asked: GateRequest[] = [];
  const gate: Gate = {
    async allow(request) {
      asked.push(request);
      return { allowed: true };
    },
  };
  await using repository = await openRepository(folder.path, { trial: "none", pollMs: 20, gate });
  const [loaded] = repository.versions("x");
  const sums = execFileSync("sha256sum", [path, weights], { encoding: "utf8" }).trim().split("\n");
  assert.deepEqual(
    asked.find((each) => each.path === path)?.files.map(({ path, sha256 }) => `${sha256}  ${path}`),
    sums,
  );
  assert.deepEqual(
    asked.find((each) => each.path !== path)?.files,
    [],
    "what cannot be taken is asked for too",
  );
  const lines = execFileSync("sha256sum", ["model.onnx", weights.slice(dirname(path).length + 1)], {
    cwd: dirname(path),
  });
  const sum = execFileSync("sha256sum", { input: lines, encoding: "utf8" }).split(" ")[0];
  assert.equal(loaded?.digest, sum);
  await truncate(weights, 1);
  assert.equal(await factorOf(repository, "x"), 7);
  await until(() => repository.index()[0]?.reason !== "");
  assert.equal(await factorOf(repository, "x"), 7, "weights that were cut off are a broken version");
  await writeFile(weights, new Uint8Array(Float32Array.of(8, 8, 8).buffer));
  await until(() => repository.versions("x")[0]?.digest !== sum);
  assert.equal(await factorOf(repository, "x"), 8);
  assert.equal(repository.isReady, false);
  await writeFile(absent, absentBytes);
  await until(() => repository.isReady);
  assert.equal(await factorOf(repository, "y"), 6);
  // Weights of a new version that come behind its model are waited for, without a failure.
  const next = join(folder.path, "x", "2", "model.onnx");
  const late = await putScalerWithWeights(next, 9);
  const bytes = await readFile(late);
  await rm(late);
  await delay(50);
  await writeFile(late, bytes);
  await until(() => repository.versions("x").at(-1)?.version === "2");
  assert.equal(await factorOf(repository, "x"), 9);
});

test("the gate's refusal keeps a server from starting, and a running one at what it has", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  const path = join(folder.path, "x.onnx");
  await put(path, scaler(2));
  let allowed = false;
  const gate = {
    allow: async () =>
      allowed ? ({ allowed } as const) : ({ allowed: false, reason: "The seal is broken." } as const),
  };
  await assert.rejects(openRepository(path, { gate, trial: "none" }), {
    code: "MODEL_REFUSED",
    message: /The seal is broken/,
  });
  allowed = true;
  await using repository = await openRepository(path, { gate, trial: "none" });
  assert.equal(repository.isReady, true);
  const closed: Gate = { ...gate, allowFolder: async () => ({ allowed: false, reason: "One is missing." }) };
  await assert.rejects(openRepository(path, { gate: closed, trial: "none" }), {
    code: "MODEL_REFUSED",
    message: /One is missing/,
  });
  allowed = false;
  await put(path, scaler(3));
  await assert.rejects(repository.load("x"), { code: "MODEL_REFUSED" });
  assert.equal(await factorOf(repository, "x"), 2);
  assert.ok(!repository.index()[0]?.reason.includes("seal"), "what the gate said stays on this machine");
});

test("what the engine made before is opened again, unless it is another's, and never without the gate", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  const path = join(folder.path, "x.onnx");
  const cacheFolder = join(folder.path, ".cupel-cache");
  await put(path, scaler(3));
  let allowed = true;
  const gate = {
    allow: async () =>
      allowed ? ({ allowed } as const) : ({ allowed: false, reason: "The seal is broken." } as const),
  };
  const opened = () => openRepository(folder.path, { trial: "none", cacheFolder, gate });
  {
    await using first = await opened();
    assert.deepEqual(
      first.index().map(({ name }) => name),
      ["x"],
      "the cache is no model",
    );
    assert.equal(await factorOf(first, "x"), 3);
  }
  const [entry] = await readdir(cacheFolder);
  const graph = join(cacheFolder, entry ?? "", "graph.onnx");
  const { mtimeMs } = await stat(graph);
  {
    await using second = await opened();
    assert.equal(await factorOf(second, "x"), 3);
    assert.equal((await stat(graph)).mtimeMs, mtimeMs, "it was not made again");
  }
  await writeFile(graph, scaler(4));
  {
    await using third = await opened();
    assert.equal(await factorOf(third, "x"), 3, "a graph that was put there is not believed");
    assert.notEqual((await stat(graph)).mtimeMs, mtimeMs);
  }
  allowed = false;
  await assert.rejects(opened(), { code: "MODEL_REFUSED" });
});

test("what is no folder of models is refused, and an empty one is waited for where it is polled", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  await assert.rejects(openRepository(join(folder.path, "none")), { code: "REPOSITORY_INVALID" });
  await assert.rejects(openRepository(folder.path), { code: "REPOSITORY_INVALID" });
  await put(join(folder.path, "x.onnx"), Buffer.from("no model"));
  await assert.rejects(openRepository(folder.path, { trial: "none" }), { code: "MODEL_NOT_PROTOBUF" });
  await rm(join(folder.path, "x.onnx"));
  await using repository = await openRepository(folder.path, { trial: "none", pollMs: 20 });
  assert.deepEqual(repository.index(), []);
  await put(join(folder.path, "x.onnx"), scaler(2));
  await until(() => repository.index()[0]?.state === "READY");
  await assert.rejects(openRepository(folder.path, { signal: AbortSignal.abort() }), { code: "CANCELLED" });
});

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !holds(); i++) await delay(10);
  assert.ok(holds(), "it did not come to that within 10 s");
}
