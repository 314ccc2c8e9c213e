/** Verdicts on logs that the recorder wrote and somebody changed afterwards. */
import assert from "node:assert/strict";
import { cp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { openMasker } from "../src/masking/masker.ts";
import { generateNoteKey } from "../src/note/note-key.ts";
import { formatNote, parseNote, signNote } from "../src/note/signed-note.ts";
import { openRecorder, type RecorderOptions } from "../src/recorder/recorder.ts";
import { verifyLog } from "../src/verify/verify-log.ts";
import { keepAll, loadEvent } from "./recorded.ts";

const origin = "example.com/audit";
const key = generateNoteKey(origin);
const count = 300;

async function record(folder: string, events: number, more: Partial<RecorderOptions> = {}): Promise<void> {
  await using recorder = await openRecorder({
    folder,
    origin,
    tree: { key },
    masker: openMasker(keepAll, null),
    rollBytes: 10_000,
    ...more,
  });
  for (let at = 0; at < events; at += 20) {
    const batch = Array.from({ length: Math.min(20, events - at) }, (_, i) => loadEvent(at + i));
    await Promise.all(batch.map((event) => recorder.record(event)));
  }
}

/** Made once, copied for each test. */
const written = await openTemporaryFolder("verify-log");
after(() => written[Symbol.asyncDispose]());
await record(join(written.path, "short"), 120);
await cp(join(written.path, "short"), join(written.path, "log"), { recursive: true });
await record(join(written.path, "log"), count - 120);
const keptCheckpoint = await readFile(join(written.path, "short", "checkpoint"));

async function copyOf(name = "log") {
  const folder = await openTemporaryFolder("verify-log");
  const path = join(folder.path, "log");
  await cp(join(written.path, name), path, { recursive: true });
  const segments = (await readdir(join(path, "journal"))).toSorted();
  return { path, segments, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

async function found(folder: string, kept?: Uint8Array, keys = [key]) {
  const report = await verifyLog(folder, { logKeys: keys, keptCheckpoint: kept });
  return { ...report, kinds: report.findings.map(({ kind }) => kind) };
}

/** @param name of a segment */
async function changeLines(
  path: string,
  name: string,
  change: (lines: string[]) => string[],
): Promise<number> {
  const file = join(path, "journal", name);
  const lines = (await readFile(file, "utf8")).split("\n").slice(0, -1);
  await writeFile(
    file,
    change([...lines])
      .map((line) => `${line}\n`)
      .join(""),
  );
  return lines.length;
}

const firstOf = (name = ""): number => Number.parseInt(name, 10);

test("a log as it was recorded is valid, also against an older checkpoint", async () => {
  await using log = await copyOf();
  assert.ok(log.segments.length > 4);
  const report = await found(log.path, keptCheckpoint);
  assert.deepEqual(report.findings, []);
  assert.deepEqual(
    { verdict: report.verdict, size: report.size, lines: report.lines, uncovered: report.uncovered },
    { verdict: "valid", size: count, lines: count, uncovered: { index: count, count: 0 } },
  );
});

test("events beyond the checkpoint are told as not yet covered, and are no fault", async () => {
  await using log = await copyOf();
  await cp(join(written.path, "short", "checkpoint"), join(log.path, "checkpoint"));
  const report = await found(log.path);
  assert.deepEqual(report.findings, []);
  assert.deepEqual(report.uncovered, { index: 120, count: count - 120 });
});

test("compressed segments are read, and one whose bytes were changed is told", async () => {
  await using folder = await openTemporaryFolder("verify-log");
  const path = join(folder.path, "log");
  await record(path, 120, { compression: "gzip" });
  const packed = (await readdir(join(path, "journal"))).find((name) => name.endsWith(".gz")) ?? "";
  assert.notEqual(packed, "");
  assert.equal((await found(path)).verdict, "valid");
  const bytes = await readFile(join(path, "journal", packed));
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
  await writeFile(join(path, "journal", packed), bytes);
  const { verdict, findings } = await found(path);
  assert.equal(verdict, "tampered");
  assert.equal(findings[0]?.path, `journal/${packed}`);
});

test("a tail that was cut is told from its first event on", async () => {
  await using log = await copyOf();
  const last = log.segments.at(-1) ?? "";
  const lines = await changeLines(log.path, last, (all) => all.slice(0, -3));
  const { kinds, findings, verdict } = await found(log.path);
  assert.equal(verdict, "tampered");
  assert.deepEqual(kinds, ["truncated"]);
  assert.deepEqual([findings[0]?.index, findings[0]?.count], [firstOf(last) + lines - 3, 3]);
});

test("the last file removed is a tail that was cut", async () => {
  await using log = await copyOf();
  const last = log.segments.at(-1) ?? "";
  await rm(join(log.path, "journal", last));
  const { kinds, findings } = await found(log.path);
  assert.deepEqual(kinds, ["truncated"]);
  assert.equal(findings[0]?.index, firstOf(last));
});

test("one byte of an event is told with its index", async () => {
  await using log = await copyOf();
  const name = log.segments[2] ?? "";
  await changeLines(log.path, name, (all) => all.with(4, all[4]?.replace("deploy", "deplox") ?? ""));
  const { kinds, findings } = await found(log.path);
  assert.deepEqual(kinds, ["event-edited"]);
  assert.deepEqual([findings[0]?.index, findings[0]?.count], [firstOf(name) + 4, 1]);
});

test("an event that was removed is told, and those after it are not called changed", async () => {
  await using log = await copyOf();
  const name = log.segments[1] ?? "";
  await changeLines(log.path, name, (all) => all.toSpliced(5, 1));
  const { kinds, findings } = await found(log.path);
  assert.deepEqual(kinds, ["event-removed"]);
  assert.equal(findings[0]?.index, firstOf(name) + 5);
});

test("an event that was put in is told", async () => {
  await using log = await copyOf();
  const name = log.segments[1] ?? "";
  await changeLines(log.path, name, (all) => all.toSpliced(5, 0, all[4] ?? ""));
  const { kinds, findings } = await found(log.path);
  assert.deepEqual(kinds, ["event-inserted"]);
  assert.equal(findings[0]?.index, firstOf(name) + 5);
});

test("two files in a row removed are one gap, at the beginning and in the middle", async () => {
  for (const at of [0, 2]) {
    await using log = await copyOf();
    const [one = "", two = "", follower = ""] = log.segments.slice(at);
    for (const name of [one, two]) await rm(join(log.path, "journal", name));
    const { kinds, findings } = await found(log.path);
    assert.deepEqual(kinds, ["segments-removed"]);
    assert.deepEqual(
      [findings[0]?.index, findings[0]?.count],
      [firstOf(one), firstOf(follower) - firstOf(one)],
    );
  }
});

test("events in another order are told", async () => {
  await using log = await copyOf();
  const name = log.segments[1] ?? "";
  await changeLines(log.path, name, (all) => all.with(3, all[8] ?? "").with(8, all[3] ?? ""));
  const { kinds } = await found(log.path);
  assert.deepEqual(new Set(kinds), new Set(["events-reordered"]));
});

test("tiles and bundles that were changed or removed are told", async () => {
  await using log = await copyOf();
  const tile = join(log.path, "tile/0/000");
  const bytes = await readFile(tile);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  await writeFile(tile, bytes);
  assert.deepEqual((await found(log.path)).kinds, ["tile-edited"]);
  await rename(tile, join(log.path, "away"));
  assert.deepEqual((await found(log.path)).kinds, ["file-damaged"]);
  await rename(join(log.path, "tile/entries/000"), join(log.path, "away"));
  assert.equal((await found(log.path)).verdict, "tampered");
});

test("a checkpoint with another text is replaced; with another valid one its root does not fit", async () => {
  await using log = await copyOf();
  const path = join(log.path, "checkpoint");
  const note = parseNote(await readFile(path));
  await writeFile(path, formatNote({ ...note, text: note.text.replace(String(count), String(count - 1)) }));
  assert.ok((await found(log.path)).kinds.includes("checkpoint-replaced"));
  const text = note.text.replace(/^(.*\n.*\n).*\n(.*\n)*$/, `$1${Buffer.alloc(32, 1).toString("base64")}\n`);
  await writeFile(path, formatNote(signNote(text, [key])));
  assert.ok((await found(log.path)).kinds.includes("root-mismatch"));
  await rm(path);
  assert.deepEqual((await found(log.path)).kinds, ["checkpoint-removed"]);
});

test("a log signed by another key is unverifiable, also where the key has the same name", async () => {
  await using log = await copyOf();
  const path = join(log.path, "checkpoint");
  const other = generateNoteKey(origin);
  await writeFile(path, formatNote(signNote(parseNote(await readFile(path)).text, [other])));
  const report = await found(log.path);
  assert.deepEqual([report.verdict, report.kinds], ["unverifiable", ["key-unknown"]]);
  assert.equal((await found(log.path, keptCheckpoint, [key, other])).verdict, "valid");
});

test("a log that was rolled back, checkpoint and all, is told by the one kept elsewhere alone", async () => {
  await using log = await copyOf("short");
  const kept = await readFile(join(written.path, "log", "checkpoint"));
  assert.equal((await found(log.path)).verdict, "valid");
  const report = await found(log.path, kept);
  assert.deepEqual([report.verdict, report.kinds], ["tampered", ["rolled-back"]]);
});

test("a checkpoint kept elsewhere that nobody known signed accuses nobody", async () => {
  await using log = await copyOf("short");
  const { text } = parseNote(await readFile(join(written.path, "log", "checkpoint")));
  const kept = Buffer.from(formatNote(signNote(text, [generateNoteKey(origin)])));
  const report = await found(log.path, kept);
  assert.deepEqual([report.verdict, report.kinds], ["unverifiable", ["key-unknown"]]);
  const changed = Buffer.from(formatNote({ ...parseNote(keptCheckpoint), text }));
  await assert.rejects(found(log.path, changed), { code: "SIGNATURE_INVALID" });
});

test("a log that was recorded anew under the same key is a split view", async () => {
  await using folder = await openTemporaryFolder("verify-log");
  for (const events of [120, 160]) {
    const path = join(folder.path, String(events));
    await record(path, events);
    assert.equal((await found(path)).verdict, "valid");
    assert.deepEqual((await found(path, keptCheckpoint)).kinds, ["split-view"]);
  }
});

test("a log without a tree is unverifiable, and a folder without a log is none", async () => {
  await using folder = await openTemporaryFolder("verify-log");
  const path = join(folder.path, "log");
  await record(path, 5, { tree: null });
  const report = await found(path);
  assert.deepEqual([report.verdict, report.kinds], ["unverifiable", ["unsigned"]]);
  await assert.rejects(found(join(folder.path, "none")), { code: "LOG_FILE_MISSING" });
});
