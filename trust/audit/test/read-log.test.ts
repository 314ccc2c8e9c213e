/** A log that is read while it is written: its end, what comes after, and that the reading itself is recorded. */
import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  followJournal,
  handOverReading,
  lastLines,
  openMasker,
  openRecorder,
  type RecorderOptions,
} from "@cupel/audit";
import { openTemporaryFolder } from "@cupel/base";
import { journalText, keepAll, loadEvent } from "./recorded.ts";

const origin = "example.com/audit";

function open(folder: string, more: Partial<RecorderOptions> = {}) {
  return openRecorder({ folder, origin, tree: null, masker: openMasker(keepAll, null), ...more });
}

const textOf = (line: Uint8Array) => Buffer.from(line).toString();
const shown = ({ index, line }: { index: number; line: Uint8Array }) => [index, textOf(line)] as const;

test("the end of a log is read across segments of any form, and no line that is torn", async () => {
  await using folder = await openTemporaryFolder("read-log");
  const journal = join(folder.path, "journal");
  for (const [compression, batches] of [
    ["gzip", 5],
    ["none", 4],
  ] as const) {
    await using recorder = await open(folder.path, { compression, rollBytes: 4000 });
    for (let batch = 0; batch < batches; batch++) {
      await Promise.all(Array.from({ length: 10 }, (_, at) => recorder.record(loadEvent(at))));
    }
  }
  const names = await readdir(journal);
  for (const ending of [".gz", ".jsonl", ".open"])
    assert.ok(
      names.some((name) => name.endsWith(ending)),
      ending,
    );
  const lines = (await journalText(folder.path)).trimEnd().split("\n");
  const last = names.toSorted().at(-1) ?? "";
  await appendFile(join(journal, last), `{"id":"torn`);
  const expected = lines.map((line, index) => [index, line] as const);
  for (const count of [0, 1, 37, 100, 1000]) {
    const found = await lastLines(journal, count);
    assert.deepEqual(found.lines.map(shown), count === 0 ? [] : expected.slice(-count));
    assert.equal(found.next, 90);
  }
  const found = await lastLines(journal, 4, (line) => textOf(line).includes(`"version":"3"`));
  assert.deepEqual(
    found.lines.map(shown),
    [53, 63, 73, 83].map((at) => expected[at]),
  );
  await appendFile(join(journal, last), `\n{"id":"after"}\n`);
  assert.equal((await lastLines(journal, 1)).next, 90);
  await assert.rejects(lastLines(join(folder.path, "none"), 1), { code: "LOG_FILE_MISSING" });
});

test("each event is followed once and in order, over segments that are closed and compressed meanwhile", async () => {
  await using folder = await openTemporaryFolder("read-log");
  const count = 400;
  await using recorder = await open(folder.path, { compression: "gzip", rollBytes: 8000 });
  await recorder.record(loadEvent(0));
  const end = new AbortController();
  const found: string[] = [];
  const following = (async () => {
    for await (const { index, line } of followJournal(join(folder.path, "journal"), 0, end.signal)) {
      assert.equal(index, found.length);
      found.push(textOf(line));
      if (found.length === count) end.abort();
    }
  })();
  for (let at = 1; at < count; at += 7) {
    const batch = Array.from({ length: Math.min(7, count - at) }, (_, more) => loadEvent(at + more));
    await Promise.all(batch.map((event) => recorder.record(event)));
  }
  await following;
  assert.deepEqual(found, (await journalText(folder.path)).trimEnd().split("\n"));
});

test("where the disk failed the writer, what it wrote again is shown from where it was sure", async () => {
  await using folder = await openTemporaryFolder("read-log");
  const segment = (first: number) => join(folder.path, `${String(first).padStart(12, "0")}.jsonl.open`);
  const lines = (from: number, to: number, word: string) =>
    Array.from({ length: to - from }, (_, at) => `{"${word}":${from + at}}\n`).join("");
  await writeFile(segment(0), lines(0, 3, "a"));
  const end = new AbortController();
  const found: string[] = [];
  const steps: Record<number, () => Promise<void>> = {
    // Whole lines, and a beginning.
    3: () => appendFile(segment(0), `${lines(3, 6, "a")}{"a":`),
    // Events 4 and 5 were not durable.
    6: () => writeFile(segment(4), lines(4, 6, "b")),
    // Taken back, and others in their place.
    8: async () => {
      await writeFile(join(folder.path, "new"), `${lines(4, 5, "b")}${lines(5, 7, "another")}`);
      await rename(join(folder.path, "new"), segment(4));
    },
    9: async () => end.abort(),
  };
  for await (const { index, line } of followJournal(folder.path, 0, end.signal)) {
    found.push(`${index} ${textOf(line)}`);
    await steps[found.length]?.();
  }
  assert.deepEqual(found, [
    ...[0, 1, 2, 3, 4, 5].map((at) => `${at} {"a":${at}}`),
    ...[4, 5].map((at) => `${at} {"b":${at}}`),
    '6 {"another":6}',
  ]);
});

test("a reading is recorded by the writer that is there, or by the next one", async () => {
  await using folder = await openTemporaryFolder("read-log");
  const path = folder.path;
  const hand = (command: string) =>
    handOverReading(path, {
      action: "AUDIT.READ",
      subject: "auditor",
      object: { size: "7" },
      context: { command },
    });
  await hand("before");
  const end = new AbortController();
  await using recorder = await open(path);
  await recorder.record(loadEvent(0));
  const found: Record<string, Record<string, string>>[] = [];
  for await (const { line } of followJournal(join(path, "journal"), 0, end.signal)) {
    const event = JSON.parse(textOf(line));
    if (event.action !== "AUDIT.READ") continue;
    if (found.push(event) === 1) await hand("while");
    else end.abort();
  }
  assert.deepEqual(
    found.map(({ ctx, sub, obj }) => [ctx?.command, sub?.kind, sub?.id, obj?.size]),
    [
      ["before", "operator", "auditor", "7"],
      ["while", "operator", "auditor", "7"],
    ],
  );
  assert.match(found[0]?.ctx?.time ?? "", /^\d{4}-.*Z$/);
  if (process.getuid !== undefined) assert.equal(found[0]?.sub?.uid, String(process.getuid()));
  await recorder[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(join(path, "reading")), []);
});

test("what is no reading is not recorded as one, and goes to quarantine with an alert", async () => {
  await using folder = await openTemporaryFolder("read-log");
  const within = join(folder.path, "reading");
  await mkdir(within);
  const name = (at: number) => join(within, `000000000000${at}-017f22e2-79b0-7cc3-98c4-dc0c0c07398f.json`);
  const reading = { action: "AUDIT.READ", subject: "x", time: "now", object: {}, context: {} };
  const outside = join(folder.path, "secret");
  await writeFile(outside, JSON.stringify(reading));
  await writeFile(name(0), JSON.stringify({ ...reading, action: "AUDIT.ERASE" }));
  await writeFile(name(1), JSON.stringify({ ...reading, object: { size: 7 } }));
  await writeFile(name(2), "{");
  await writeFile(name(3), JSON.stringify({ ...reading, subject: "x".repeat(20_000) }));
  await symlink(outside, name(4));
  await writeFile(join(within, "README"), "left alone");
  const told: string[] = [];
  const alerted = Promise.withResolvers<void>();
  await using recorder = await open(folder.path, {
    onAlert: ({ message }) => {
      if (told.push(message) === 5) alerted.resolve();
    },
  });
  await alerted.promise;
  await recorder[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(within), ["README"]);
  assert.equal((await readdir(join(folder.path, "quarantine"))).length, 5);
  assert.equal(await journalText(folder.path), "");
  assert.equal(await readFile(outside, "utf8"), JSON.stringify(reading));
});
