/** Proofs of our logs and of tessera's as files, what is no proof, and what others vouched for beside a log. */
import assert from "node:assert/strict";
import { cp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import {
  formatConsistencyFile,
  formatNote,
  generateNoteKey,
  type NoteKey,
  openMasker,
  openRecorder,
  parseConsistencyFile,
  parseInclusionFile,
  parseNote,
  parseNoteKey,
  proveEvent,
  proveGrowth,
  signNote,
  verifyLog,
  verifyProof,
  witnessLog,
} from "@cupel/audit";
import { CupelError, openTemporaryFolder } from "@cupel/base";
import { serveWitness } from "./note/fake-witness.ts";
import { openAuthority, skipWithoutOpenssl } from "./note/openssl-authority.ts";
import { journalText, keepAll, loadEvent } from "./recorded.ts";
import { suiteFolder, unpackSuite } from "./suite-folder.ts";

const origin = "example.com/audit";
const key = generateNoteKey(origin);
const logKeys = [key];

async function record(folder: string, from: number, to: number): Promise<void> {
  const masker = openMasker(keepAll, null);
  await using recorder = await openRecorder({ folder, origin, tree: { key }, masker, rollBytes: 20_000 });
  await Promise.all(Array.from({ length: to - from }, (_, at) => recorder.record(loadEvent(from + at))));
}

/** Of 120 events, then of 300. Made once, copied by the tests that change them. */
const made = await openTemporaryFolder("prove");
after(() => made[Symbol.asyncDispose]());
const short = join(made.path, "short");
const log = join(made.path, "log");
await record(short, 0, 120);
await cp(short, log, { recursive: true });
await record(log, 120, 300);
const kept = await readFile(join(short, "checkpoint"));
const lines = (await journalText(log)).trimEnd().split("\n");

async function copyOf(path: string) {
  const folder = await openTemporaryFolder("prove");
  const copy = join(folder.path, "log");
  await cp(path, copy, { recursive: true });
  return { path: copy, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

function judged(file: string | Uint8Array, keys: readonly NoteKey[] = logKeys, keptCheckpoint?: Uint8Array) {
  const report = verifyProof(Buffer.from(file), { logKeys: keys, keptCheckpoint });
  return { ...report, kinds: report.findings.map(({ kind }) => kind) };
}

test("an event is proved by its index or id, and the file says what was recorded", async () => {
  for (const index of [0, 119, 256, 299]) {
    const { id } = JSON.parse(lines[index] ?? "");
    const proven = await proveEvent(log, { id });
    assert.deepEqual(proven, await proveEvent(log, { index }));
    const report = judged(proven.file);
    assert.ok(report.kind === "event");
    assert.deepEqual(
      [report.verdict, report.index, report.size, report.origin, report.signers],
      ["valid", index, 300, origin, [origin]],
    );
    assert.equal(report.entry?.toString(), lines[index]);
  }
  const older = await proveEvent(log, { index: 7 }, { checkpoint: kept });
  assert.deepEqual([older.size, judged(older.file).verdict], [120, "valid"]);
});

test("a proof that was changed is tampered with, and one of an unknown key or without its event unverifiable", async () => {
  const { file } = await proveEvent(log, { index: 7 });
  const other = await proveEvent(log, { index: 8 });
  const extraOf = (text: string) => /^extra .*$/m.exec(text)?.[0] ?? "";
  const hash = /\n([\w+/]{43}=)\n/.exec(file)?.[1] ?? "";
  for (const changed of [
    file.replace(extraOf(file), extraOf(other.file)),
    file.replace("index 7", "index 6"),
    file.replace("\n300\n", "\n299\n"),
    file.replace(hash, Buffer.alloc(32).toString("base64")),
    file.replace(`${hash}\n`, ""),
  ]) {
    assert.notEqual(changed, file);
    assert.equal(judged(changed).verdict, "tampered", changed);
  }
  const stranger = generateNoteKey(origin);
  assert.deepEqual(judged(file, [stranger]).kinds, ["key-unknown"]);
  const { checkpoint } = parseInclusionFile(Buffer.from(file));
  const resigned = file.replace(formatNote(checkpoint), formatNote(signNote(checkpoint.text, [stranger])));
  assert.deepEqual([judged(resigned).verdict, judged(resigned).kinds], ["unverifiable", ["key-unknown"]]);
  const bare = judged(file.replace(`${extraOf(file)}\n`, ""));
  assert.deepEqual([bare.verdict, bare.kinds], ["unverifiable", ["entry-missing"]]);
  assert.throws(() => judged("hello\n\nworld\n\n"), { code: "PROOF_FILE_INVALID" });
  assert.throws(() => judged(kept), { code: "PROOF_FILE_INVALID" });
});

test("growth is proved from a size and from a checkpoint, to whoever has that checkpoint", async () => {
  const { file, oldSize, size } = await proveGrowth(log, kept);
  assert.deepEqual([oldSize, size], [120, 300]);
  assert.equal(file, (await proveGrowth(log, 120)).file);
  assert.equal(judged(file, logKeys, kept).verdict, "valid");
  assert.deepEqual(judged(file).kinds, ["checkpoint-missing"]);
  const newest = await readFile(join(log, "checkpoint"));
  assert.deepEqual(judged(file, logKeys, newest).kinds, ["checkpoint-missing"]);
  const { proof, checkpoint } = parseConsistencyFile(Buffer.from(file));
  const changed = formatConsistencyFile({ oldSize, checkpoint, proof: proof.toReversed() });
  assert.deepEqual(judged(changed, logKeys, kept).kinds, ["proof-wrong"]);
  await assert.rejects(proveGrowth(log, 301), { code: "EVENT_UNKNOWN" });
  await assert.rejects(proveGrowth(short, newest), { code: "EVENT_UNKNOWN", message: /rolled back/ });

  // The same events recorded anew are another log: their ids and times differ.
  await using anew = await openTemporaryFolder("prove");
  await record(anew.path, 0, 130);
  await assert.rejects(proveGrowth(anew.path, kept), { code: "LOG_TAMPERED" });
  const split = await proveGrowth(anew.path, 120);
  assert.deepEqual(judged(split.file, logKeys, kept).kinds, ["proof-wrong"]);
});

test("what no checkpoint covers yet is told apart from what is not there", async () => {
  await using copy = await copyOf(log);
  await writeFile(join(copy.path, "checkpoint"), kept);
  const { id } = JSON.parse(lines[200] ?? "");
  for (const event of [{ index: 200 }, { id }]) {
    await assert.rejects(proveEvent(copy.path, event), {
      code: "EVENT_NOT_COVERED",
      message: /Event 200 .* covers events 0 to 119,/,
    });
  }
  for (const event of [{ index: 300 }, { id: "017f22e2-79b0-7cc3-98c4-dc0c0c07398f" }]) {
    await assert.rejects(proveEvent(copy.path, event), { code: "EVENT_UNKNOWN" });
  }
  assert.equal(judged((await proveEvent(copy.path, { index: 119 })).file).verdict, "valid");
});

test("a log is proved while it is written, as soon as its writer has signed", async () => {
  await using copy = await copyOf(log);
  const masker = openMasker(keepAll, null);
  await using recorder = await openRecorder({ folder: copy.path, origin, tree: { key }, masker });
  const { id } = await recorder.record(loadEvent(300));
  for (;;) {
    try {
      const { file, index } = await proveEvent(copy.path, { id });
      assert.deepEqual([judged(file).verdict, index], ["valid", 300]);
      break;
    } catch (thrown) {
      if (!(thrown instanceof CupelError) || thrown.code !== "EVENT_NOT_COVERED") throw thrown;
      await pause(50);
    }
  }
});

test("nothing is proved by files that were changed", async () => {
  await using copy = await copyOf(log);
  const bundle = join(copy.path, "tile/entries/000");
  const whole = await readFile(bundle);
  await writeFile(bundle, Buffer.from(whole.toString("latin1").replace("deploy", "deplox"), "latin1"));
  await assert.rejects(proveEvent(copy.path, { index: 0 }), { code: "LOG_TAMPERED" });
  await rm(bundle);
  await assert.rejects(proveEvent(copy.path, { index: 0 }), { code: "EVENT_UNKNOWN", message: /retention/ });
  await writeFile(bundle, whole);
  const tile = join(copy.path, "tile/0/000");
  await writeFile(tile, (await readFile(tile)).fill(1, 40, 41));
  await assert.rejects(proveEvent(copy.path, { index: 0 }), { code: "PROOF_INVALID" });
});

test("tessera's log is verified and proves its entries and its growth", {
  skip: suiteFolder.skip,
}, async () => {
  await using folder = await unpackSuite("tessera-log/log.tar.gz");
  const path = join(folder.path, "log");
  const theirs = parseNoteKey(
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
  );
  const { verdict, findings, size } = await verifyLog(path, { logKeys: [theirs] });
  assert.deepEqual([verdict, findings, size], ["valid", [], 15]);
  assert.equal((await verifyLog(path, { logKeys })).verdict, "unverifiable");
  for (const [index, entry] of ["one", "two", "three"].entries()) {
    const proven = await proveEvent(path, { index });
    assert.equal(proven.entry.toString(), entry);
    assert.equal(judged(proven.file, [theirs]).verdict, "valid");
  }
  for (let old = 1; old <= 15; old++) {
    const before = await readFile(join(path, `checkpoint.${old}`));
    assert.equal(judged((await proveGrowth(path, before)).file, [theirs], before).verdict, "valid");
  }
  await assert.rejects(proveEvent(path, { index: 15 }), { code: "EVENT_UNKNOWN" });
  await assert.rejects(proveEvent(path, { id: "x" }), { code: "LOG_FILE_MISSING" });
});

test("what a witness cosigned is kept beside the log, and the log is held against it", async () => {
  await using copy = await copyOf(short);
  const { path } = copy;
  const witnessKey = generateNoteKey("witness.example/w", 4);
  const witnessKeys = [witnessKey];
  await using served = await serveWitness(witnessKey, origin, key);
  const witness = { url: served.url, keys: witnessKeys };
  const ask = (folder = path) => witnessLog(folder, { witness, authority: null });
  const found = async (folder = path) => {
    const report = await verifyLog(folder, { logKeys, witnessKeys });
    return { ...report, kinds: report.findings.map(({ kind }) => kind) };
  };
  assert.deepEqual((await found()).kinds, ["unwitnessed"]);
  assert.equal((await found()).verdict, "unverifiable");
  assert.deepEqual(await ask(), {
    origin,
    size: 120,
    witnesses: ["witness.example/w"],
    isStamped: false,
    isNew: true,
  });
  assert.equal((await ask()).isNew, false);
  assert.equal(served.requests.length, 1);
  await using rolledBack = await copyOf(path);
  await record(path, 120, 300);
  assert.equal((await ask()).size, 300);
  // It knew what the witness saw last.
  assert.equal(served.requests.length, 2);
  assert.ok(served.requests[1]?.startsWith("old 120\n"));
  const { verdict, vouched } = await found();
  const time = "2023-11-14T22:13:20.000Z";
  assert.deepEqual(
    [verdict, vouched],
    ["valid", [{ kind: "witness", by: "witness.example/w", size: 300, time }]],
  );
  const cosigned = await readFile(join(path, "witness/0000000000000300.checkpoint"));
  const proof = await proveEvent(path, { index: 3 }, { checkpoint: cosigned });
  const report = verifyProof(Buffer.from(proof.file), { logKeys, witnessKeys });
  assert.deepEqual([report.verdict, report.signers], ["valid", [origin, "witness.example/w"]]);

  // As it was, but for what is kept of the witness.
  await cp(join(path, "witness"), join(rolledBack.path, "witness"), { recursive: true });
  assert.deepEqual((await found(rolledBack.path)).kinds, ["rolled-back"]);
  await assert.rejects(ask(rolledBack.path), { code: "LOG_TAMPERED" });
  await rm(join(rolledBack.path, "witness"), { recursive: true });
  await assert.rejects(ask(rolledBack.path), { code: "WITNESS_CONFLICT" });

  await using anew = await openTemporaryFolder("prove");
  await record(anew.path, 0, 310);
  await cp(join(path, "witness"), join(anew.path, "witness"), { recursive: true });
  assert.deepEqual((await found(anew.path)).kinds, ["split-view", "split-view"]);
  await assert.rejects(ask(anew.path), { code: "WITNESS_CONFLICT" });

  const first = join(path, "witness/0000000000000120.checkpoint");
  const note = parseNote(await readFile(first));
  const signatures = note.signatures.map((each) => ({
    ...each,
    signature: Buffer.from(each.signature).fill(0, 20),
  }));
  await writeFile(first, formatNote({ ...note, signatures }));
  assert.deepEqual((await found()).kinds, ["witnessed-damaged"]);
  await rename(first, join(path, "witness/0000000000000119.checkpoint"));
  assert.deepEqual((await found()).kinds, ["witnessed-damaged"]);
});

test("a stamp is kept where it comes from who is trusted, and verified", {
  skip: skipWithoutOpenssl,
}, async () => {
  await using copy = await copyOf(short);
  const { path } = copy;
  await using authority = await openAuthority();
  authority.issue("tsa", "root", "stamps");
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.end(authority.reply("tsa", Buffer.concat(chunks)));
  }).listen(0, "127.0.0.1");
  await using _server = { [Symbol.asyncDispose]: async () => void server.close() };
  await new Promise((listening) => server.on("listening", listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsr`;
  const by = (name: string) => [authority.certificate(name)];
  const ask = (name: string) =>
    witnessLog(path, { witness: null, authority: { url, authorities: by(name) } });
  await assert.rejects(ask("other"), { code: "KEY_UNKNOWN" });
  const verified = (name: string) => verifyLog(path, { logKeys, authorities: by(name) });
  assert.equal((await verified("root")).verdict, "unverifiable");
  assert.deepEqual(await ask("root"), { origin, size: 120, witnesses: [], isStamped: true, isNew: true });
  const { verdict, vouched } = await verified("root");
  assert.deepEqual([verdict, vouched[0]?.by, vouched[0]?.size], ["valid", "CN=tsa", 120]);
  assert.equal((await verified("other")).verdict, "unverifiable");
  const stamp = join(path, "witness/0000000000000120.tsr");
  await writeFile(stamp, authority.reply("tsa", authority.query("something else")));
  assert.equal((await verified("root")).verdict, "tampered");
});
