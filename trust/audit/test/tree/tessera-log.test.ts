/** A log that tessera wrote (Go): read, verified at each of its checkpoints, and found out when it is changed. */
import assert from "node:assert/strict";
import { cp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  checkTree,
  leafHash,
  openCheckpoint,
  parseNoteKey,
  readLog,
  TreeProver,
  verifyConsistency,
  verifyInclusion,
} from "@cupel/audit";
import { openTemporaryFolder } from "@cupel/base";
import { suiteFolder, unpackSuite } from "../suite-folder.ts";

const { skip } = suiteFolder;
const origin = "example.com/log/testdata";
const keys = {
  origin,
  logKeys: [parseNoteKey(`${origin}+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx`)],
};

async function openLog() {
  const folder = await unpackSuite("tessera-log/log.tar.gz");
  const log = readLog(join(folder.path, "log"));
  return { path: join(folder.path, "log"), log, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test("each of its 16 checkpoints is signed by its key, and the entries come to its root", {
  skip,
}, async () => {
  await using opened = await openLog();
  const { log } = opened;
  for (let size = 0; size <= 15; size++) {
    const checkpoint = openCheckpoint(await log.checkpoint(`checkpoint.${size}`), keys);
    assert.equal(checkpoint.size, size);
    const lines: string[] = [];
    const onEntry = (entry: Buffer) => void lines.push(entry.toString());
    assert.deepEqual(await checkTree(log, checkpoint, { onEntry }), {
      faults: [],
      entries: size,
      missing: [],
    });
    assert.deepEqual(lines.slice(0, 3), ["one", "two", "three"].slice(0, size));
    assert.deepEqual((await log.tree(size)).root(), checkpoint.root);
  }
  const { root } = openCheckpoint(await log.checkpoint(), keys);
  assert.equal(root.toString("base64"), "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=");
});

test("every entry is proved in every tree, and every tree goes on from every earlier one", {
  skip,
}, async () => {
  await using opened = await openLog();
  const { log } = opened;
  const checkpoints = await Promise.all(
    Array.from({ length: 16 }, async (_, at) =>
      openCheckpoint(await log.checkpoint(`checkpoint.${at}`), keys),
    ),
  );
  for (const { size, root } of checkpoints) {
    const prover = await TreeProver.open(log, { size, root });
    for (let index = 0; index < size; index++) {
      const leaf = leafHash(await log.entry(index, size));
      verifyInclusion({ index, size, leaf, root, proof: await prover.inclusionProof(index) });
    }
    for (const old of checkpoints.slice(1, size + 1)) {
      const proof = await prover.consistencyProof(old.size);
      verifyConsistency({ oldSize: old.size, oldRoot: old.root, size, root, proof });
    }
    await assert.rejects(prover.inclusionProof(size), { code: "PROOF_INVALID" });
    await assert.rejects(prover.consistencyProof(size + 1), { code: "PROOF_INVALID" });
  }
});

test("a byte of any of its files changed, or a file removed, is named", { skip }, async () => {
  await using opened = await openLog();
  const checkpoint = openCheckpoint(await opened.log.checkpoint(), keys);
  for (const [path, kind] of [
    ["tile/entries/000.p/15", "entry"],
    ["tile/0/000.p/15", "tile"],
  ] as const) {
    const file = join(opened.path, path);
    const original = await readFile(file);
    for (const at of original.keys()) {
      const changed = Buffer.from(original);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await writeFile(file, changed);
      const { faults } = await checkTree(opened.log, checkpoint);
      // A changed length makes the bundle malformed.
      assert.ok(faults.length > 0 && [kind, "file"].includes(faults[0]?.kind ?? ""), `${path} at ${at}`);
    }
    await rm(file);
    const { faults, missing } = await checkTree(opened.log, checkpoint);
    if (kind === "tile")
      assert.deepEqual(
        faults.map((each) => each.kind),
        ["file"],
      );
    else assert.deepEqual(missing, [{ begin: 0, end: 15 }]);
    await writeFile(file, original);
  }
  const { faults } = await checkTree(opened.log, { ...checkpoint, root: Buffer.alloc(32) });
  assert.deepEqual(
    faults.map(({ kind }) => kind),
    ["root"],
  );
});

test("tiles that do not belong to a checkpoint give no proof", { skip }, async () => {
  await using opened = await openLog();
  await using folder = await openTemporaryFolder("log");
  await cp(opened.path, folder.path, { recursive: true });
  const file = join(folder.path, "tile/0/000.p/15");
  const tile = await readFile(file);
  tile[100] = (tile[100] ?? 0) ^ 1;
  await writeFile(file, tile);
  const checkpoint = openCheckpoint(await opened.log.checkpoint(), keys);
  await assert.rejects(TreeProver.open(readLog(folder.path), checkpoint), { code: "PROOF_INVALID" });
  await writeFile(file, tile.subarray(1));
  await assert.rejects(TreeProver.open(readLog(folder.path), checkpoint), { code: "LOG_INVALID" });
  await rm(file);
  await assert.rejects(TreeProver.open(readLog(folder.path), checkpoint), { code: "LOG_FILE_MISSING" });
});
