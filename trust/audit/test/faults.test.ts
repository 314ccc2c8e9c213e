/** A log in trouble, by each policy: nothing acknowledged is lost, nothing lost is acknowledged, and all of it is counted. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { cp, readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Worker } from "node:worker_threads";
import { type CupelError, openTemporaryFolder } from "@cupel/base";
import { openMasker } from "../src/masking/masker.ts";
import type { Receipt } from "../src/recorder/receipt.ts";
import { openRecorder, type Recorder, type RecorderOptions } from "../src/recorder/recorder.ts";
import { verifyLog } from "../tools/kill-round.ts";
import { testKey, testOrigin } from "../tools/test-log.ts";
import { type FaultyDisk, faultyDisk } from "./faulty-disk.ts";
import { journalText, keepAll, loadEvent } from "./recorded.ts";

interface Opened extends AsyncDisposable {
  readonly folder: string;
  readonly log: string;
  readonly disk: FaultyDisk;
  readonly recorder: Recorder;
  readonly alerts: string[];
}

async function opened(more: Partial<RecorderOptions> = {}): Promise<Opened> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await openTemporaryFolder("audit-faults"));
  const disk = faultyDisk();
  const alerts: string[] = [];
  const recorder = stack.use(
    await openRecorder({
      folder: join(path, "log"),
      origin: testOrigin,
      tree: { key: testKey },
      masker: openMasker(keepAll, null),
      disk,
      onAlert: ({ message }) => void alerts.push(message),
      ...(more.policy === "spill" ? { spillFolder: join(path, "spill") } : {}),
      ...more,
    }),
  );
  const owned = stack.move();
  return {
    folder: path,
    log: join(path, "log"),
    disk,
    recorder,
    alerts,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const many = (recorder: Recorder, from: number, count: number): Promise<Receipt[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => recorder.record(loadEvent(from + i))));

const promisedBy = (receipts: readonly Receipt[]) =>
  new Map(receipts.flatMap(({ state, index, id }) => (state === "logged" ? [[index, id] as const] : [])));

async function idsOf(log: string): Promise<string[]> {
  return (await journalText(log))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).id);
}

for (const [operation, code] of [
  ["write", "ENOSPC"],
  ["write", "EIO"],
  ["write", "EDQUOT"],
  ["sync", "EIO"],
  ["sync", "ENOSPC"],
] as const) {
  test(`block: ${code} of a ${operation} lets callers wait, and all of them are logged when it is over`, async () => {
    await using its = await opened();
    const before = await many(its.recorder, 0, 20);
    its.disk.failing.set(operation, code);
    const waiting = many(its.recorder, 20, 20);
    await assert.rejects(its.recorder.record(loadEvent(99), { deadline: 60 }), (error: CupelError) => {
      assert.equal(error.code, "RECORD_UNAVAILABLE");
      return true;
    });
    assert.equal(its.recorder.metrics.trouble, code === "EIO" ? "io" : "full");
    its.disk.failing.clear();
    const after = [...(await waiting), ...(await many(its.recorder, 40, 20))];
    assert.equal(its.recorder.metrics.trouble, null);
    await its.recorder[Symbol.asyncDispose]();
    // The one that waited no longer may have been in hand when the trouble ended.
    const size = await verifyLog(its.folder, promisedBy([...before, ...after]));
    assert.ok(size === 60 || size === 61, String(size));
  });
}

test("block: a disk that takes a part of each write is written to until all is there", async () => {
  await using its = await opened();
  its.disk.mostTaken = 100;
  const receipts = await many(its.recorder, 0, 50);
  await its.recorder[Symbol.asyncDispose]();
  assert.equal(await verifyLog(its.folder, promisedBy(receipts)), 50);
});

test("spill: events go to the second folder and come to the log in order, once", async () => {
  await using its = await opened({ policy: "spill" });
  const before = await many(its.recorder, 0, 10);
  its.disk.failing.set("write", "ENOSPC");
  const spilled = [...(await many(its.recorder, 10, 10)), ...(await many(its.recorder, 20, 10))];
  assert.deepEqual(new Set(spilled.map(({ state }) => state)), new Set(["spilled"]));
  assert.equal(its.recorder.metrics.spilled, 20);
  its.disk.failing.clear();
  let last = await its.recorder.record(loadEvent(30));
  while (last.state !== "logged") last = await its.recorder.record(loadEvent(31));
  await its.recorder[Symbol.asyncDispose]();
  const ids = await idsOf(its.log);
  assert.deepEqual(
    ids.slice(0, 30),
    [...before, ...spilled].map(({ id }) => id),
  );
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(last.index, ids.length - 1);
  await verifyLog(its.folder, promisedBy([...before, last]));
  assert.deepEqual(await readdir(join(its.folder, "spill", "journal")), []);
});

test("spill: what a killed recorder left there comes to the log when the next one opens, also where a part had come", async () => {
  await using its = await opened({ policy: "spill" });
  its.disk.failing.set("sync", "EIO");
  const spilled = await many(its.recorder, 0, 5);
  // As if the process ended between bringing the events over and removing the file.
  its.disk.failing.clear();
  await cp(join(its.folder, "spill"), join(its.folder, "copy"), { recursive: true });
  const last = await its.recorder.record(loadEvent(5));
  await its.recorder[Symbol.asyncDispose]();
  await rm(join(its.folder, "spill"), { recursive: true });
  await rename(join(its.folder, "copy"), join(its.folder, "spill"));
  await verifyLog(its.folder, promisedBy([last]), new Set(spilled.map(({ id }) => id)));
  assert.equal((await idsOf(its.log)).length, 6);
});

test("spill: a write that the disk does not answer is kept in the second folder, and is in the log once", async () => {
  await using its = await opened({ policy: "spill", slow: 50 });
  await many(its.recorder, 0, 3);
  const held = Promise.withResolvers<void>();
  its.disk.held = held.promise;
  const spilled = await many(its.recorder, 3, 3);
  assert.ok(spilled.every(({ state }) => state === "spilled"));
  assert.ok(its.recorder.metrics.faults.slow > 0);
  its.disk.held = null;
  held.resolve();
  let last = await its.recorder.record(loadEvent(6));
  while (last.state !== "logged") last = await its.recorder.record(loadEvent(7));
  await its.recorder[Symbol.asyncDispose]();
  const ids = await idsOf(its.log);
  assert.equal(new Set(ids).size, ids.length);
  for (const { id } of spilled) assert.ok(ids.includes(id));
  await verifyLog(its.folder, promisedBy([last]));
});

test("count-and-drop: what is lost is counted by cause, and the log says how many when it works again", async () => {
  await using its = await opened({ policy: "count-and-drop" });
  await many(its.recorder, 0, 5);
  its.disk.failing.set("write", "EROFS");
  const dropped = await many(its.recorder, 5, 7);
  assert.ok(dropped.every(({ state }) => state === "dropped"));
  assert.equal(its.recorder.metrics.dropped.readonly, 7);
  its.disk.failing.clear();
  let after = await its.recorder.record(loadEvent(12));
  let lost = 7;
  while (after.state === "dropped") {
    lost++;
    after = await its.recorder.record(loadEvent(13));
  }
  await its.recorder[Symbol.asyncDispose]();
  const events = (await journalText(its.log))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const told = events.filter(({ action }) => action === "AUDIT.DROP");
  assert.equal(
    told.reduce((sum, { ctx }) => sum + Number(ctx.count), 0),
    lost,
  );
  assert.equal(told[0].ctx.readonly, told[0].ctx.count);
  assert.ok(!dropped.some(({ id }) => events.some((event) => event.id === id)));
});

test("count-and-drop: what is lost right before the end is told at the end, and so is the end itself", async () => {
  await using its = await opened({ policy: "count-and-drop" });
  await many(its.recorder, 0, 3);
  its.disk.failing.set("write", "ENOSPC");
  await many(its.recorder, 3, 4);
  its.disk.failing.clear();
  // Within the pause after the fault.
  const subject = { kind: "system", id: "server" };
  const stop = { action: "SERVE.STOP", severity: "INFO", subject, object: {}, context: {} } as const;
  assert.equal((await its.recorder.record(stop)).state, "logged");
  its.disk.failing.set("write", "ENOSPC");
  const late = await many(its.recorder, 7, 2);
  assert.ok(late.every(({ state }) => state === "dropped"));
  its.disk.failing.clear();
  await its.recorder[Symbol.asyncDispose]();
  const told = (await journalText(its.log))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ action }) => action === "AUDIT.DROP");
  assert.equal(
    told.reduce((sum, { ctx }) => sum + Number(ctx.count), 0),
    6,
  );
  assert.doesNotMatch(its.alerts.join(), /does not tell of/);
});

test("count-and-drop: losses that cannot be recorded at the end are told to whoever watches", async () => {
  await using its = await opened({ policy: "count-and-drop" });
  await many(its.recorder, 0, 3);
  its.disk.failing.set("write", "ENOSPC");
  await many(its.recorder, 3, 4);
  await its.recorder[Symbol.asyncDispose]();
  // Four, and the event that was to tell of them.
  assert.match(its.alerts.join(), /Events were lost that the record does not tell of: full 5\./);
});

const openFile = async (log: string) => {
  const name = (await readdir(join(log, "journal"))).find((each) => each.endsWith(".open"));
  return join(log, "journal", name ?? "");
};

test("a file that is removed is written again under its name, before anything more is acknowledged", async () => {
  await using its = await opened();
  const before = await many(its.recorder, 0, 10);
  await rm(await openFile(its.log));
  const after = await many(its.recorder, 10, 10);
  assert.equal(its.recorder.metrics.faults.unlinked, 1);
  assert.match(its.alerts.join(), /was removed/);
  await its.recorder[Symbol.asyncDispose]();
  assert.equal(await verifyLog(its.folder, promisedBy([...before, ...after])), 20);
});

test("so is one whose folder is removed, and one in whose place another file is put, which is set aside", async () => {
  await using its = await opened();
  const before = await many(its.recorder, 0, 10);
  await rm(join(its.log, "journal"), { recursive: true });
  const between = await many(its.recorder, 10, 10);
  const path = await openFile(its.log);
  await rename(path, `${path}.moved`);
  await writeFile(path, "somebody else's\n");
  const after = await many(its.recorder, 20, 10);
  await its.recorder[Symbol.asyncDispose]();
  assert.equal(await verifyLog(its.folder, promisedBy([...before, ...between, ...after])), 30);
  const aside = await readdir(join(its.log, "quarantine"));
  assert.ok(aside.some((name) => name.startsWith("foreign-")));
});

test("a file that is cut by somebody else is told, and the log is found damaged when it is opened again", async () => {
  await using its = await opened();
  await many(its.recorder, 0, 10);
  await truncate(await openFile(its.log), 100);
  await many(its.recorder, 10, 10);
  await its.recorder[Symbol.asyncDispose]();
  assert.ok(its.recorder.metrics.faults.truncated > 0);
  await assert.rejects(verifyLog(its.folder, new Map()), { code: "LOG_DAMAGED" });
});

test("a hashing thread that ends is begun anew from the disk, and every receipt comes", async () => {
  const threads: Worker[] = [];
  const note = (worker: Worker) => void threads.push(worker);
  process.on("worker", note);
  try {
    await using its = await opened();
    const receipts: Receipt[] = [];
    for (let round = 0; round < 3; round++) {
      receipts.push(...(await many(its.recorder, 100 * round, 50)));
      const waiting = many(its.recorder, 100 * round + 50, 50);
      await threads.at(-1)?.terminate();
      receipts.push(...(await waiting));
      if (its.recorder.metrics.tree?.restarts !== round + 1) await once(process, "worker");
    }
    await its.recorder[Symbol.asyncDispose]();
    assert.equal(await verifyLog(its.folder, promisedBy(receipts)), 300);
  } finally {
    process.off("worker", note);
  }
});

test("a recorder whose lock is gone records nothing more and changes no file", async () => {
  const lost = Promise.withResolvers<void>();
  await using its = await opened({ onAlert: ({ kind }) => kind === "lost" && lost.resolve() });
  const receipts = await many(its.recorder, 0, 10);
  await rm(join(its.log, "writer.lock"));
  await lost.promise;
  await assert.rejects(its.recorder.record(loadEvent(10)), { code: "FILE_LOCKED" });
  const size = await verifyLog(its.folder, promisedBy(receipts));
  const before = await journalText(its.log);
  await its.recorder[Symbol.asyncDispose]();
  assert.equal(await journalText(its.log), before);
  assert.equal(size, 10);
});
