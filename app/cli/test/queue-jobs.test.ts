/** Jobs of a queue by themselves: addresses, keys, the shared folder, the workers' roster, one run. No Redis. */
import assert from "node:assert/strict";
import { readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import test from "node:test";
import { fileDigest } from "@cupel/base";
import { defaultRecipe, parseRecipe } from "@cupel/compress";
import { modelDigest } from "../src/audit/input-facts.ts";
import { isJob, keyOf } from "../src/queue/fleet-job.ts";
import { readResult } from "../src/queue/job-result.ts";
import { parseQueueUrl, withoutCredentials } from "../src/queue/queue-url.ts";
import { fitting } from "../src/queue/roster.ts";
import { runJob } from "../src/queue/run-job.ts";
import { SharedFolder } from "../src/queue/shared-folder.ts";
import { cupelVersion } from "../src/version.ts";
import { code, job } from "./fleet-jobs.ts";
import { classifierBytes, prepared, scratch } from "./harness.ts";

test("a queue's address is read, and nothing of its password is ever repeated", () => {
  const url = parseQueueUrl("rediss://me:p%40ss@host.example:6380/3");
  assert.deepEqual(url, {
    host: "host.example",
    port: 6380,
    db: 3,
    username: "me",
    password: "p@ss",
    isSecure: true,
    shown: "rediss://host.example:6380/3",
  });
  assert.deepEqual(
    [parseQueueUrl("redis://[::1]").host, parseQueueUrl("redis://h", "secret").password],
    ["::1", "secret"],
  );
  assert.equal(parseQueueUrl("redis://:given@h", "secret").password, "given");
  for (const wrong of [
    "",
    "h:1",
    "http://:hush@h",
    "redis://",
    "redis://:hush@h/x",
    "redis://:hush%ZZ@h",
    "redis://h?a=1",
  ]) {
    assert.throws(
      () => parseQueueUrl(wrong),
      (thrown) => code("OPTION_INVALID")(thrown) && !/hush/.test(String(thrown)),
      wrong,
    );
  }
  assert.equal(
    withoutCredentials("cupel compress a --queue redis://me:p@h/0 -o redis://b"),
    "cupel compress a --queue redis://***@h/0 -o redis://b",
  );
});

test("a job's key is that of its content: a model is the same under any name, and all else changes it", () => {
  const key = keyOf(job());
  assert.equal(keyOf(job({ model: { path: "b.onnx", digest: "d" } })), key);
  for (const changes of [
    { model: { path: "in/a.onnx", digest: "e" } },
    { version: "0.0.0" },
    { seed: 2 },
    { recipe: defaultRecipe(4) },
    { images: { path: "x", digest: "y" } },
    { preprocessing: "preset=unit" },
  ]) {
    assert.notEqual(keyOf(job(changes)), key, JSON.stringify(changes));
  }
  // As it comes back from the queue.
  assert.ok(isJob(JSON.parse(JSON.stringify(job())), key));
  for (const other of [
    null,
    1,
    [],
    {},
    { ...job(), seed: 2 },
    { ...job(), model: "a" },
    { ...job(), more: 1 },
  ]) {
    assert.ok(!isJob(other, key), JSON.stringify(other));
  }
});

test("the shared folder knows itself, lets nothing out, and keeps the first of two results", async () => {
  await using folder = await scratch();
  await folder.write("in/a.onnx", "x");
  const share = await SharedFolder.open(folder.path);
  assert.equal((await SharedFolder.open(folder.at("in", ".."))).id, share.id);
  assert.equal(await share.pathIn(folder.at("in", "a.onnx")), "in/a.onnx");
  await symlink("/etc", folder.at("out"));
  for (const way of ["../..", "/etc/../..", "out/passwd"]) {
    await assert.rejects(share.pathOf(way), code("QUEUE_INPUT_OUTSIDE"), way);
  }
  await assert.rejects(SharedFolder.open(folder.at("in", "a.onnx")), code("FILE_UNREADABLE"));
  await assert.rejects(SharedFolder.open(folder.at("none")), code("FILE_UNREADABLE"));
  const key = "a".repeat(64);
  const written = await Promise.all(["1", "2", "3"].map((at) => share.putResult(key, `{"at":${at}}`)));
  assert.equal(written.filter((isFirst) => isFirst).length, 1);
  assert.deepEqual([...(await share.finished())], [key]);
  assert.deepEqual(await readdir(folder.at(".cupel-queue", "results")), [`${key}.json`]);
  await writeFile(folder.at(".cupel-queue", "results", `${key}.json`), "{");
  await assert.rejects(share.result(key), code("QUEUE_RESULT_DAMAGED"));
});

test("workers of another version or folder are named, and none is no reason to stop", () => {
  const here = { id: "1", path: "/mnt" };
  const worker = (name: string, version = cupelVersion(), share = "1") => ({ name, version, share });
  assert.deepEqual(fitting([], here), []);
  assert.equal(fitting([worker("a"), worker("b", "9.9.9")], here).length, 1);
  assert.throws(
    () => fitting([worker("b", "9.9.9"), worker("c", cupelVersion(), "2")], here),
    (thrown) =>
      code("QUEUE_WORKERS_DIFFER")(thrown) &&
      /b is cupel 9\.9\.9; c works in another shared folder/.test(String(thrown)),
  );
});

test("a job done twice has the same bytes, and a file that changed is no job", async () => {
  await using folder = await scratch();
  await prepared(folder, { count: 24, filters: 4 });
  const share = await SharedFolder.open(folder.path);
  const images = {
    path: "set-images-idx3-ubyte",
    digest: await fileDigest(folder.at("set-images-idx3-ubyte")),
  };
  const model = { path: "model.onnx", digest: await modelDigest(folder.at("model.onnx")) };
  const recipe = parseRecipe(
    { stages: [{ stage: "clean" }, { stage: "calibrate", images: 8 }, { stage: "quantise", bits: 4 }] },
    "The recipe",
  );
  const work = job({ model, images, preprocessing: "preset=unit", recipe });
  const key = keyOf(work);
  const options = { threads: 1, signal: new AbortController().signal };
  const path = folder.at(".cupel-queue", "results", `${key}.json`);
  await runJob(work, key, share, options);
  const first = await readFile(path);
  const result = readResult(await share.result(key), key, path);
  assert.ok(result.kind === "measured" && result.file.correspondence.size > 0);
  assert.ok(result.point.bytes > 0 && result.point.loss >= 0 && result.point.loss <= 1);
  await share.takeModel(result.model, folder.at("taken.onnx"), options.signal);
  assert.equal((await readFile(folder.at("taken.onnx"))).length, result.point.bytes);
  await rm(path);
  await runJob(work, key, share, options);
  assert.deepEqual(await readFile(path), first);
  await writeFile(folder.at(".cupel-queue", "models", `${result.model}.onnx`), "x");
  await assert.rejects(
    share.takeModel(result.model, folder.at("b.onnx"), options.signal),
    code("QUEUE_RESULT_DAMAGED"),
  );
  await writeFile(folder.at("model.onnx"), classifierBytes({ filters: 8 }));
  await rm(path);
  await assert.rejects(runJob(work, key, share, options), code("QUEUE_INPUT_CHANGED"));
});
