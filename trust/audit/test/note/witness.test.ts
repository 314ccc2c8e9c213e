import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkpointText,
  cosign,
  formatNote,
  generateNoteKey,
  openCheckpoint,
  readLog,
  signNote,
  TreeProver,
} from "@cupel/audit";
import { memoryLog } from "../tree/memory-log.ts";
import { serveAnswers, serveWitness } from "./fake-witness.ts";

const origin = "example.com/log";
const logKey = generateNoteKey(origin);
const witnessKey = generateNoteKey("witness.example/w", 4);

/** A log that grows, and what it would submit now. */
function growingLog(first = 0) {
  const log = memoryLog();
  const submission = () => {
    log.publish();
    const { size } = log.tree;
    const root = log.tree.root();
    const note = signNote(checkpointText(origin, size, root), [logKey]);
    const prover = TreeProver.open(readLog(log), { size, root });
    return { note, proofFrom: async (oldSize: number) => (await prover).consistencyProof(oldSize) };
  };
  return {
    grow: (count: number) => {
      log.append(Array.from({ length: count }, (_, at) => `${first}: ${log.tree.size + at}`));
      return submission();
    },
    submission,
  };
}

test("a witness cosigns a log from its beginning, as it grows, and again at the same size", async () => {
  await using served = await serveWitness(witnessKey, origin, logKey);
  const witness = { url: served.url, keys: [witnessKey] };
  const log = growingLog();
  let oldSize = 0;
  for (const count of [5, 300, 0, 1]) {
    const { note, proofFrom } = log.grow(count);
    const cosignatures = await cosign(witness, note, proofFrom, { oldSize });
    const both = { text: note.text, signatures: [...note.signatures, ...cosignatures] };
    const keys = { origin, logKeys: [logKey], witnessKeys: [witnessKey] };
    const opened = openCheckpoint(Buffer.from(formatNote(both)), keys);
    assert.equal(opened.signatures.length, 2);
    oldSize = opened.size;
  }
  assert.equal(served.requests.length, 4);
  // Whoever does not know what it has seen is told, and asks again from there.
  const { note, proofFrom } = log.grow(7);
  assert.equal((await cosign(witness, note, proofFrom)).length, 1);
  assert.equal(served.requests.length, 6);
});

test("a log that shows the witness another history is found out", async () => {
  await using served = await serveWitness(witnessKey, origin, logKey);
  const witness = { url: served.url, keys: [witnessKey] };
  const first = growingLog(1).grow(100);
  await cosign(witness, first.note, first.proofFrom);
  for (const count of [100, 150]) {
    const other = growingLog(2).grow(count);
    await assert.rejects(cosign(witness, other.note, other.proofFrom), {
      code: "WITNESS_CONFLICT",
      message: /first 100 entries/,
    });
  }
  const rolledBack = growingLog(1).grow(60);
  await assert.rejects(cosign(witness, rolledBack.note, rolledBack.proofFrom, { oldSize: 100 }), {
    code: "WITNESS_CONFLICT",
    message: /has seen 100 entries of it, and the log has 60/,
  });
});

test("who does not know the log, or has another key, says so", async () => {
  const { note, proofFrom } = growingLog().grow(3);
  for (const [known, key, status] of [
    ["example.com/other", logKey, 404],
    [origin, generateNoteKey(origin), 403],
  ] as const) {
    await using served = await serveWitness(witnessKey, known, key);
    await assert.rejects(cosign({ url: served.url, keys: [witnessKey] }, note, proofFrom), {
      code: "WITNESS_REFUSED",
      message: new RegExp(`answered ${status}`),
    });
  }
});

test("an answer that is no cosignature of a known witness is not taken", async () => {
  const { note, proofFrom } = growingLog().grow(3);
  const lines = (text: string, key = witnessKey) =>
    formatNote(signNote(text, [key], 1)).slice(text.length + 1);
  for (const [body, code] of [
    ["", "KEY_UNKNOWN"],
    ["hello\n", "KEY_UNKNOWN"],
    [lines(note.text, generateNoteKey("witness.example/w", 4)), "KEY_UNKNOWN"],
    [lines(`${note.text}more\n`), "SIGNATURE_INVALID"],
    // The log's own signature, sent back.
    [lines(note.text, logKey), "KEY_UNKNOWN"],
  ] as const) {
    await using served = await serveAnswers((_, response) => response.end(body));
    await assert.rejects(cosign({ url: served.url, keys: [witnessKey, logKey] }, note, proofFrom), { code });
  }
});

test("a witness that is broken, slow, talkative or gone is unreachable, which may be tried again", async () => {
  const { note, proofFrom } = growingLog().grow(3);
  let size = 0;
  const answers: Parameters<typeof serveAnswers>[0][] = [
    (_, response) => response.writeHead(500).end(),
    (_, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
    (_, response) => response.end("x".repeat(100_000)),
    (_, response) => response.destroy(),
    (_, response) => response.writeHead(409).end(`${++size % 3}\n`),
    () => {},
  ];
  for (const answer of answers) {
    await using served = await serveAnswers(answer);
    const witness = { url: served.url, keys: [witnessKey] };
    await assert.rejects(cosign(witness, note, proofFrom, { timeout: 300 }), {
      code: "WITNESS_UNREACHABLE",
    });
  }
  await assert.rejects(cosign({ url: "http://127.0.0.1:1", keys: [witnessKey] }, note, proofFrom), {
    code: "WITNESS_UNREACHABLE",
    message: /ECONNREFUSED|bad port/,
  });
});

test("a submission is cancelled", async () => {
  const { note, proofFrom } = growingLog().grow(3);
  const controller = new AbortController();
  await using served = await serveAnswers(() => controller.abort());
  const witness = { url: served.url, keys: [witnessKey] };
  await assert.rejects(cosign(witness, note, proofFrom, { signal: controller.signal }), {
    code: "CANCELLED",
  });
});
