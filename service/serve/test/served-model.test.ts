/** What becomes of a model's versions as its files change, its sessions crash and its keeper is asked: without an engine. */
import assert from "node:assert/strict";
import { readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openTemporaryFolder } from "@cupel/base";
import { serveErrors } from "../src/errors.ts";
import { FakeModel } from "./support/fake-model.ts";

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !holds(); i++) await delay(5);
  assert.ok(holds(), "it did not come to that within 5 s");
}

test("new bytes come beside the old ones, and the old ones leave with their last lease", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  await using fake = new FakeModel(folder.path);
  await fake.put("1", 2);
  fake.find("1");
  await fake.load();
  const lease = fake.model.lease(undefined);
  const { sessionId } = lease.version;
  await fake.load();
  await fake.poll();
  const other = fake.model.lease("1");
  assert.equal(other.version.sessionId, sessionId, "unchanged bytes keep their session");
  await fake.put("1", 3);
  await fake.poll();
  assert.equal(fake.serving, 3);
  assert.notEqual(fake.model.ready[0]?.sessionId, sessionId);
  assert.equal(fake.opened[0]?.isClosed, false, "somebody uses it");
  lease[Symbol.dispose]();
  lease[Symbol.dispose]();
  await delay(5);
  assert.equal(fake.opened[0]?.isClosed, false, "giving a lease back twice gives back one");
  other[Symbol.dispose]();
  await until(() => fake.opened[0]!.isClosed);
  assert.deepEqual(fake.actions(), ["MODEL.LOAD", "MODEL.RELOAD"]);
  assert.equal(fake.events[1]?.context.replaced, fake.events[0]?.object.digest);
});

test("a broken version never replaces a good one, is told once, and the next good one loads", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  await using fake = new FakeModel(folder.path);
  await fake.put("1", 2);
  fake.find("1");
  await fake.load();
  fake.broken.add(9);
  await fake.put("1", 9);
  await fake.poll(10);
  assert.equal(fake.serving, 2);
  assert.deepEqual(
    fake.model.index().map(({ state }) => state),
    ["READY"],
  );
  assert.match(fake.model.index()[0]?.reason ?? "", /refused the model/);
  assert.equal(fake.model.index()[0]?.code, "MODEL_LOAD_FAILED");
  assert.ok(!fake.model.index()[0]?.reason.includes(folder.path), "no path leaves the machine");
  // The same bytes under a new date are no news.
  await fake.put("1", 9);
  await fake.poll(10);
  assert.deepEqual(fake.actions(), ["MODEL.LOAD", "MODEL.LOAD.FAIL"]);
  assert.equal(fake.loads.length, 2);
  assert.equal(fake.lines.filter(({ level }) => level === "error").length, 1);
  await assert.rejects(fake.load(), { code: "MODEL_LOAD_FAILED" });
  assert.equal(fake.serving, 2);
  await fake.put("1", 4);
  await fake.poll();
  assert.equal(fake.serving, 4);
  assert.equal(fake.model.index()[0]?.reason, "");
});

test("a broken latest version leaves its place to the one before it", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  await using fake = new FakeModel(folder.path);
  fake.broken.add(9);
  await fake.put("1", 1);
  await fake.put("2", 2);
  await fake.put("3", 9);
  fake.find("1", "2", "3");
  await assert.rejects(fake.load(), { code: "MODEL_LOAD_FAILED" });
  assert.equal(fake.serving, 2);
  assert.deepEqual(
    fake.model.index().map(({ version, state }) => `${version} ${state}`),
    ["1 UNAVAILABLE", "2 READY", "3 UNAVAILABLE"],
  );
  assert.throws(() => fake.model.lease("3"), { code: "MODEL_NOT_READY" });
  assert.throws(() => fake.model.lease("4"), { code: "VERSION_UNKNOWN" });
  await fake.put("3", 3);
  await fake.poll();
  assert.equal(fake.serving, 3);
  assert.deepEqual(fake.actions().slice(-2), ["MODEL.LOAD", "MODEL.UNLOAD"]);
});

test("a file that grows from look to look is not taken, and one that changes while it is loaded is not kept", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  await using fake = new FakeModel(folder.path);
  await fake.put("1", 1);
  fake.find("1");
  await fake.load();
  await fake.put("1", 2);
  const whole = await readFile(fake.path("1"));
  for (let length = 10; length < whole.length; length += 10) {
    await writeFile(fake.path("1"), whole.subarray(0, length));
    await fake.poll(1);
  }
  assert.equal(fake.loads.length, 1, "nothing half was even tried");
  assert.deepEqual(fake.actions(), ["MODEL.LOAD"]);
  let changes = 0;
  fake.whileLoading = async () => {
    if (changes++ < 2) await fake.put("1", 2 + changes);
  };
  await fake.put("1", 2);
  await fake.poll(10);
  assert.equal(fake.serving, 4);
  assert.deepEqual(
    fake.opened.map(({ isClosed }) => isClosed),
    [true, true, true, false],
    "what was loaded of bytes that are gone was closed again",
  );
  fake.whileLoading = () => fake.put("1", 10 + changes++);
  await fake.put("1", 5);
  await assert.rejects(fake.load(), { code: "MODEL_NOT_READY" });
  assert.equal(fake.serving, 4);
});

test("what happens to a file after it was taken does not reach what is in service", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  await using fake = new FakeModel(folder.path);
  await fake.put("1", 1);
  fake.find("1");
  await fake.load();
  await truncate(fake.path("1"), 3);
  fake.opened[0]?.crash();
  await until(() => fake.opened.length === 2);
  await until(() => fake.serving === 1);
  assert.deepEqual(fake.actions(), ["MODEL.LOAD", "MODEL.UNLOAD", "MODEL.RELOAD"]);
  assert.deepEqual(fake.letIn, [false, true], "the gate let these bytes in, and would find others now");
});

test("bytes that cannot be taken fail for what the gate knows of them, where it knows anything", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  await using fake = new FakeModel(folder.path);
  await fake.put("1", 1);
  fake.find("1");
  await truncate(fake.path("1"), 3);
  await assert.rejects(fake.load(), { code: "MODEL_NOT_PROTOBUF" });
  fake.refusal = serveErrors.error("MODEL_REFUSED", "It was cut off.");
  await assert.rejects(fake.load(), { code: "MODEL_REFUSED", message: "It was cut off." });
  assert.deepEqual(fake.loads, []);
});

test("a crashed session is opened again by itself, and requests may be repeated meanwhile", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  await using fake = new FakeModel(folder.path);
  await fake.put("1", 1);
  fake.find("1");
  await fake.load();
  fake.broken.add(1);
  const { sessionId } = fake.model.ready[0]!;
  fake.opened[0]?.crash();
  await until(() => fake.model.ready.length === 0);
  assert.throws(
    () => fake.model.lease(undefined),
    serveErrors.error(
      "MODEL_NOT_READY",
      'The model "x" is not loaded: Its session crashed and is opened again.',
    ),
  );
  await until(() => fake.loads.length >= 3);
  assert.equal(fake.actions().filter((action) => action === "MODEL.LOAD.FAIL").length, 1, "told once");
  fake.broken.clear();
  await until(() => fake.model.ready.length === 1);
  assert.notEqual(fake.model.ready[0]?.sessionId, sessionId);
  assert.equal(fake.opened[0]?.isClosed, true);
});

test("removed versions leave when two looks missed them", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  await using fake = new FakeModel(folder.path, { kind: "all" });
  await fake.put("1", 1);
  await fake.put("2", 2);
  fake.find("1", "2");
  await fake.load();
  assert.equal(fake.model.ready.length, 2);
  fake.find("1");
  await fake.poll(1);
  assert.equal(fake.model.ready.length, 2);
  await fake.poll(1);
  assert.deepEqual(
    fake.model.ready.map(({ version }) => version),
    ["1"],
  );
  fake.find();
  await fake.poll(2);
  await until(() => !fake.model.isKnown);
  await until(() => fake.opened.every(({ isClosed }) => isClosed));
  assert.deepEqual(await readdir(join(folder.path, "work")), [], "no copy stays behind");
});

test("what was unloaded stays so until it is asked for or its file is another", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  await using fake = new FakeModel(folder.path);
  await fake.put("1", 1);
  fake.find("1");
  await fake.load();
  await fake.model.unload();
  assert.equal(fake.opened[0]?.isClosed, true);
  await fake.poll();
  assert.equal(fake.serving, null);
  assert.equal(fake.model.isMissed, false, "nobody asks that it be served");
  assert.throws(() => fake.model.lease(undefined), { code: "MODEL_NOT_READY" });
  await fake.load();
  assert.equal(fake.serving, 1);
  await fake.model.unload();
  await fake.put("1", 2);
  await fake.poll();
  assert.equal(fake.serving, 2);
});

test("no switch happens without its record, and it is tried again", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  await using fake = new FakeModel(folder.path);
  await fake.put("1", 1);
  fake.find("1");
  await fake.load();
  fake.onEmit = async () => {
    throw new Error("the disk of the record is full");
  };
  await fake.put("1", 2);
  await fake.poll();
  assert.equal(fake.serving, 1);
  assert.equal(fake.opened[1]?.isClosed, true);
  await assert.rejects(fake.load(), /disk of the record/);
  await assert.rejects(fake.model.unload(), /disk of the record|not recorded/);
  assert.equal(fake.serving, 1, "it is not unloaded without a record either");
  fake.onEmit = async () => {};
  const serving = () => fake.serving;
  for (let i = 0; i < 500 && serving() !== 2; i++) {
    await fake.poll(1);
    await delay(2);
  }
  assert.equal(serving(), 2);
});

test("loads and unloads of a model are done one after the other, and who waits may leave", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  await using fake = new FakeModel(folder.path);
  await fake.put("1", 1);
  fake.find("1");
  const gate = Promise.withResolvers<void>();
  fake.whileLoading = () => gate.promise;
  const first = fake.load();
  const leaving = new AbortController();
  const left = fake.model.load(leaving.signal);
  const unload = fake.model.unload();
  const last = fake.load();
  leaving.abort();
  await assert.rejects(left, { code: "CANCELLED" });
  await until(() => fake.model.index()[0]?.state === "LOADING");
  gate.resolve();
  await Promise.all([first, unload, last]);
  assert.deepEqual(fake.actions(), ["MODEL.LOAD", "MODEL.UNLOAD", "MODEL.LOAD"]);
  assert.equal(fake.serving, 1);
  assert.equal(fake.opened.length, 2);
});

test("a load that is cancelled leaves what was there, and nothing behind", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  await using fake = new FakeModel(folder.path);
  await fake.put("1", 1);
  fake.find("1");
  await fake.load();
  await fake.put("1", 2);
  const leaving = new AbortController();
  fake.whileLoading = async () => leaving.abort();
  await assert.rejects(fake.model.load(leaving.signal), { code: "CANCELLED" });
  assert.equal(fake.serving, 1);
  assert.equal(fake.opened[1]?.isClosed, true);
  fake.whileLoading = async () => {};
  await fake.poll();
  assert.equal(fake.serving, 2, "it is not held for a failure");
  await rm(fake.path("1"));
});

test("who closes waits for what is being loaded, and leaves nothing open", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  const fake = new FakeModel(folder.path);
  await fake.put("1", 1);
  fake.find("1");
  const gate = Promise.withResolvers<void>();
  fake.whileLoading = () => gate.promise;
  const loading = fake.load();
  await until(() => fake.loads.length === 1);
  const closing = fake[Symbol.asyncDispose]();
  gate.resolve();
  await Promise.all([loading, closing]);
  assert.equal(fake.opened[0]?.isClosed, true);
  assert.deepEqual(await readdir(join(folder.path, "work")), []);
});

test("bytes that come while others fail, or are found unchanged, are not taken for dealt with", async () => {
  await using folder = await openTemporaryFolder("serve-test");
  await using fake = new FakeModel(folder.path);
  await fake.put("1", 1);
  fake.find("1");
  await fake.load();
  fake.broken.add(9);
  await fake.put("1", 9);
  fake.whileLoading = () => fake.put("1", 2);
  await fake.poll(2);
  assert.equal(fake.serving, 1);
  fake.whileLoading = async () => {};
  await fake.poll();
  assert.equal(fake.serving, 2);
});
