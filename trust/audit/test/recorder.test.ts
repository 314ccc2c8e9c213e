/** The recorder against a real folder: receipts, the tree behind them, refusals, deadlines, one writer, threads. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { MessageChannel, Worker } from "node:worker_threads";
import { type CupelError, openTemporaryFolder } from "@cupel/base";
import { type Masker, openMasker } from "../src/masking/masker.ts";
import { openCheckpoint } from "../src/note/checkpoint.ts";
import { generateNoteKey } from "../src/note/note-key.ts";
import { withAuditContext } from "../src/recorder/audit-context.ts";
import { connectRecorder, serveRecorder } from "../src/recorder/connect-recorder.ts";
import { openRecorder, type RecorderOptions } from "../src/recorder/recorder.ts";
import { checkTree } from "../src/tree/check-tree.ts";
import { readLog } from "../src/tree/log-reader.ts";
import { journalText, keepAll, loadEvent } from "./recorded.ts";

const origin = "example.com/audit";
const key = generateNoteKey(origin);

function optionsOf(folder: string, more: Partial<RecorderOptions> = {}): RecorderOptions {
  return { folder, origin, tree: { key }, masker: openMasker(keepAll, null), ...more };
}

async function assertVerifies(folder: string, size: number): Promise<void> {
  const log = readLog(folder);
  const checkpoint = openCheckpoint(await log.checkpoint(), { origin, logKeys: [key] });
  assert.equal(checkpoint.size, size);
  assert.notEqual(checkpoint.sm3Root, null);
  const report = await checkTree(log, checkpoint);
  assert.deepEqual(report.faults, []);
  assert.equal(report.entries, size);
}

test("a receipt says where the event is, and the closed log verifies with each of them", async () => {
  await using folder = await openTemporaryFolder("audit");
  const recorder = await openRecorder(optionsOf(folder.path));
  const receipts = await Promise.all(Array.from({ length: 1000 }, (_, i) => recorder.record(loadEvent(i))));
  await recorder[Symbol.asyncDispose]();
  const lines = (await journalText(folder.path)).split("\n");
  assert.equal(lines.pop(), "");
  assert.equal(lines.length, 1000);
  for (const [i, receipt] of receipts.entries()) {
    assert.equal(receipt.state, "logged");
    assert.equal(receipt.index, i);
    assert.ok((receipt.treeSize ?? 0) > i);
    assert.equal(JSON.parse(lines[i] ?? "").id, receipt.id);
  }
  await assertVerifies(folder.path, 1000);
});

test("a log that is opened again goes on where it ended", async () => {
  await using folder = await openTemporaryFolder("audit");
  for (let round = 0; round < 3; round++) {
    await using recorder = await openRecorder(optionsOf(folder.path, { rollBytes: 20_000 }));
    const receipts = await Promise.all(Array.from({ length: 150 }, (_, i) => recorder.record(loadEvent(i))));
    assert.equal(receipts[0]?.index, 150 * round);
  }
  await assertVerifies(folder.path, 450);
  assert.ok((await readdir(join(folder.path, "journal"))).length >= 3);
});

test("a second writer is refused by name", async () => {
  await using folder = await openTemporaryFolder("audit");
  await using _first = await openRecorder(optionsOf(folder.path));
  await assert.rejects(openRecorder(optionsOf(folder.path)), { code: "LOG_IN_USE" });
});

test("what does not conform goes to quarantine and is told, and the log goes on", async () => {
  await using folder = await openTemporaryFolder("audit");
  const alerts: string[] = [];
  await using recorder = await openRecorder(
    optionsOf(folder.path, { onAlert: ({ kind }) => void alerts.push(kind) }),
  );
  const wrong = { ...loadEvent(0), action: "NO.SUCH.ACTION" };
  await assert.rejects(recorder.record(wrong), (error: CupelError) => {
    assert.equal(error.code, "EVENT_INVALID");
    assert.equal(error.details.pointer, "/action");
    return true;
  });
  // That it was refused is in the log.
  assert.equal((await recorder.record(loadEvent(1))).index, 1);
  const [told] = (await journalText(folder.path)).split("\n");
  assert.deepEqual(JSON.parse(told ?? "").ctx, {
    refusal: "schema",
    pointer: "/action",
    keyword: "enum",
    kept: "true",
  });
  assert.equal(recorder.metrics.refused, 1);
  assert.deepEqual(alerts, ["refused"]);
  const [file] = await readdir(join(folder.path, "quarantine"));
  assert.match(await readFile(join(folder.path, "quarantine", file ?? ""), "utf8"), /NO\.SUCH\.ACTION/);
});

test("an event that masking makes longer than a line is shortened, and is recorded", async () => {
  await using folder = await openTemporaryFolder("audit");
  const masker = openMasker(keepAll, null);
  const longer: Masker = {
    scrub: masker.scrub,
    settled: () => masker.settled(),
    isTagged: () => false,
    // So that each event is masked as a whole.
    isCleanName: () => false,
    maskFact: (_event, _dimension, _name, value) => value,
    mask: (event) => ({ ...event, obj: { model: String(event.obj.model).repeat(40) } }),
  };
  await using recorder = await openRecorder(optionsOf(folder.path, { masker: longer }));
  await recorder.record({ ...loadEvent(0), object: { model: "x".repeat(2000) } });
  const { obj, ctx } = JSON.parse(await journalText(folder.path));
  assert.equal(obj.model, `${"x".repeat(63)}\u2026`.repeat(40));
  assert.equal(ctx.shortened, "obj.model");
});

test("an event withdrawn before it is under way is not recorded", async () => {
  await using folder = await openTemporaryFolder("audit");
  const recorder = await openRecorder(optionsOf(folder.path));
  const cancel = new AbortController();
  const withdrawn = recorder.record(loadEvent(0), { signal: cancel.signal });
  const kept = recorder.record(loadEvent(1));
  cancel.abort();
  await assert.rejects(withdrawn, { code: "CANCELLED" });
  assert.equal((await kept).index, 0);
  await recorder[Symbol.asyncDispose]();
  assert.equal((await journalText(folder.path)).trimEnd().split("\n").length, 1);
  await assert.rejects(recorder.record(loadEvent(2)), { code: "RECORD_UNAVAILABLE" });
});

test("one more than the queue takes is refused at once", async () => {
  await using folder = await openTemporaryFolder("audit");
  await using recorder = await openRecorder(optionsOf(folder.path, { bounds: { mostEvents: 10 } }));
  const results = await Promise.allSettled(
    Array.from({ length: 12 }, (_, i) => recorder.record(loadEvent(i))),
  );
  const failed = results.filter((result) => result.status === "rejected");
  assert.equal(failed.length, 2);
  assert.equal(failed[0]?.reason.code, "RECORD_UNAVAILABLE");
  assert.equal(failed[0]?.reason.details.mayBeRecorded, false);
  assert.equal(recorder.metrics.unavailable, 2);
  assert.equal(recorder.metrics.queue.events, 0);
});

test("trace, tenant and subject of the context are in the event, unless it says otherwise", async () => {
  await using folder = await openTemporaryFolder("audit");
  const recorder = await openRecorder(optionsOf(folder.path));
  await withAuditContext({ trace: "t1", tenant: "acme", subject: { kind: "user", id: "ann" } }, async () => {
    const event = { ...loadEvent(0), action: "INFER.REQUEST" };
    await recorder.record({ ...event, subject: {} });
    await recorder.record({ ...event, context: { tenant: "other" }, subject: { kind: "user", id: "bob" } });
  });
  await recorder[Symbol.asyncDispose]();
  const [first, second] = (await journalText(folder.path))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual([first.ctx.trace, first.ctx.tenant, first.sub.id], ["t1", "acme", "ann"]);
  assert.deepEqual([second.ctx.trace, second.ctx.tenant, second.sub.id], ["t1", "other", "bob"]);
});

test("a checkpoint of another key is called neither valid nor tampered until the former key is told", async () => {
  await using folder = await openTemporaryFolder("audit");
  {
    await using recorder = await openRecorder(optionsOf(folder.path));
    await recorder.record(loadEvent(0));
  }
  const next = generateNoteKey(origin);
  await assert.rejects(openRecorder(optionsOf(folder.path, { tree: { key: next } })), {
    code: "KEY_UNKNOWN",
  });
  {
    await using recorder = await openRecorder(
      optionsOf(folder.path, { tree: { key: next, formerKeys: [key] } }),
    );
    assert.equal((await recorder.record(loadEvent(1))).index, 1);
  }
});

for (const [what, cut] of [
  ["is cut by whole lines", (text: string) => `${text.split("\n").slice(0, 3).join("\n")}\n`],
  ["is emptied", () => ""],
] as const) {
  test(`a journal that ${what} is not recorded into`, async () => {
    await using folder = await openTemporaryFolder("audit");
    {
      await using recorder = await openRecorder(optionsOf(folder.path));
      await Promise.all(Array.from({ length: 5 }, (_, i) => recorder.record(loadEvent(i))));
    }
    const path = join(folder.path, "journal", "000000000000.jsonl.open");
    await writeFile(path, cut(await readFile(path, "utf8")));
    await assert.rejects(openRecorder(optionsOf(folder.path)), { code: "LOG_DAMAGED" });
  });
}

test("completed segments are compressed, and the log goes on from them", async () => {
  for (const compression of ["gzip", "zstd"] as const) {
    await using folder = await openTemporaryFolder("audit");
    const options = optionsOf(folder.path, { rollBytes: 1000, compression });
    for (let round = 0; round < 2; round++) {
      await using recorder = await openRecorder(options);
      for (let i = 0; i < 12; i++) await recorder.record(loadEvent(i));
    }
    const names = await readdir(join(folder.path, "journal"));
    assert.ok(
      names.some((name) => name.endsWith(compression === "gzip" ? ".gz" : ".zst")),
      names.join(),
    );
    assert.ok(!names.some((name) => name.endsWith(".partial")));
    await assertVerifies(folder.path, 24);
  }
});

test("other threads record through the one that has the recorder", async () => {
  await using folder = await openTemporaryFolder("audit");
  await using recorder = await openRecorder(optionsOf(folder.path));
  const told = await Promise.all(
    ["one", "two"].map(async (name) => {
      const events = new MessageChannel();
      const answer = new MessageChannel();
      serveRecorder(recorder, events.port1);
      const worker = new Worker(new URL("./recording-thread.ts", import.meta.url), {
        workerData: { port: events.port2, tell: answer.port2, name, count: 200 },
        transferList: [events.port2, answer.port2],
      });
      const [message] = await once(answer.port1, "message");
      await once(worker, "exit");
      return message;
    }),
  );
  const indices = told.flatMap(({ receipts }) => receipts.map(({ index }: { index: number }) => index));
  // One that is refused is an event too, and may come before the last of the other thread.
  assert.equal(new Set(indices).size, 400);
  assert.ok(Math.max(...indices) <= 400, String(Math.max(...indices)));
  assert.deepEqual(
    told.map(({ refused }) => refused),
    ["EVENT_INVALID", "EVENT_INVALID"],
  );
  const tenants = (await journalText(folder.path))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).ctx.tenant);
  assert.equal(tenants.filter((tenant) => tenant === "one").length, 200);
});

test("a thread whose owner ends is told so for all that waits", async () => {
  const { port1, port2 } = new MessageChannel();
  using connected = connectRecorder(port2);
  const waiting = connected.record(loadEvent(0));
  port1.close();
  await assert.rejects(waiting, { code: "RECORD_UNAVAILABLE" });
  await assert.rejects(connected.record(loadEvent(1)), { code: "RECORD_UNAVAILABLE" });
});
