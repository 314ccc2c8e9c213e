import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkpointText,
  formatConsistencyFile,
  formatInclusionFile,
  formatNote,
  generateNoteKey,
  leafHash,
  parseConsistencyFile,
  parseInclusionFile,
  readLog,
  signNote,
  TreeProver,
  verifyConsistencyFile,
  verifyInclusionFile,
} from "@cupel/audit";
import { memoryLog } from "../tree/memory-log.ts";

const origin = "example.com/log";
const key = generateNoteKey(origin);
const keys = { origin, logKeys: [key] };
const line = (index: number) => Buffer.from(`{"line":${index}}`);

async function proofs(size: number) {
  const log = memoryLog();
  log.append(Array.from({ length: size }, (_, at) => line(at).toString()));
  log.publish();
  const root = log.tree.root();
  const prover = await TreeProver.open(readLog(log), { size, root });
  return { prover, checkpoint: signNote(checkpointText(origin, size, root, log.sm3.root()), [key]) };
}

test("an entry is proved by a file alone, with and without something beside it", async () => {
  const { prover, checkpoint } = await proofs(300);
  for (const index of [0, 299]) {
    for (const extra of [null, line(index), Buffer.alloc(0)]) {
      const file = { index, proof: await prover.inclusionProof(index), checkpoint, extra };
      const text = formatInclusionFile(file);
      assert.match(text, /^c2sp\.org\/tlog-proof@v1\n(extra \S*\n)?index \d+\n/);
      const read = parseInclusionFile(Buffer.from(text));
      assert.deepEqual(read, file);
      assert.equal(verifyInclusionFile(read, leafHash(line(index)), keys).size, 300);
      assert.throws(() => verifyInclusionFile(read, leafHash(line(1)), keys), { code: "PROOF_INVALID" });
      assert.throws(() => verifyInclusionFile(read, leafHash(line(index)), { ...keys, origin: "other" }), {
        code: "ORIGIN_MISMATCH",
      });
    }
  }
});

test("a log of one entry is proved by no hash", async () => {
  const { checkpoint } = await proofs(1);
  const text = formatInclusionFile({ index: 0, proof: [], checkpoint, extra: null });
  assert.ok(text.startsWith(`c2sp.org/tlog-proof@v1\nindex 0\n\n${origin}\n1\n`));
  verifyInclusionFile(parseInclusionFile(Buffer.from(text)), leafHash(line(0)), keys);
});

test("growth is proved by a file alone", async () => {
  const { prover, checkpoint } = await proofs(300);
  const old = { size: 200, root: await prover.rootAt(200) };
  const file = { oldSize: 200, proof: await prover.consistencyProof(200), checkpoint };
  const read = parseConsistencyFile(Buffer.from(formatConsistencyFile(file)));
  assert.deepEqual(read, file);
  assert.equal(verifyConsistencyFile(read, old, keys).size, 300);
  const refused = { code: "PROOF_INVALID" };
  assert.throws(() => verifyConsistencyFile(read, { ...old, root: Buffer.alloc(32) }, keys), refused);
  assert.throws(() => verifyConsistencyFile(read, { ...old, size: 199 }, keys), refused);
});

test("any bit changed in a file that proves an entry makes it prove nothing", async () => {
  const { prover, checkpoint } = await proofs(5);
  const file = { index: 2, proof: await prover.inclusionProof(2), checkpoint, extra: null };
  const bytes = Buffer.from(formatInclusionFile(file));
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(
      () => verifyInclusionFile(parseInclusionFile(changed), leafHash(line(2)), keys),
      (thrown) => {
        assert.match(String((thrown as { code?: string }).code), /_INVALID$|^KEY_UNKNOWN$/);
        return true;
      },
    );
  }
});

test("what is no file of a proof is refused", async () => {
  const { prover, checkpoint } = await proofs(5);
  const file = { index: 2, proof: await prover.inclusionProof(2), checkpoint, extra: line(2) };
  const text = formatInclusionFile(file);
  const [hash = ""] = text.match(/^[\w+/]{43}=$/m) ?? [];
  for (const changed of [
    "",
    text.slice(text.indexOf("\n\n")),
    text.replace("@v1", "@v2"),
    text.replace("index 2", "index 02"),
    text.replace("index 2\n", ""),
    text.replace("index 2", "index 9007199254740992"),
    text.replace("extra ", "extra  "),
    text.replace("index 2\n", "index 2\nindex 2\n"),
    text.replace(hash, `${hash.slice(4)}`),
    text.replace(hash, Array.from({ length: 64 }, () => hash).join("\n")),
  ]) {
    assert.throws(() => parseInclusionFile(Buffer.from(changed)), { code: "PROOF_FILE_INVALID" }, changed);
  }
  assert.throws(() => parseInclusionFile(Buffer.from(text.slice(0, -2))), { code: "NOTE_INVALID" });
  for (const head of ["", "old", "old 01", "new 1", "old 1\nAAAA"]) {
    const changed = Buffer.from(`${head}\n\n${formatNote(checkpoint)}`);
    assert.throws(() => parseConsistencyFile(changed), { code: "PROOF_FILE_INVALID" });
  }
});
