/** Proofs from tiles against the recursion of RFC 6962 over the leaves themselves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkTree, leafHash, readLog, sha256Tree, sm3Tree, TreeProver, verifyInclusion } from "@cupel/audit";
import fc from "fast-check";
import { memoryLog } from "./memory-log.ts";
import { pathOf, proofOf, rootOf } from "./naive-tree.ts";

const linesOf = (count: number) => Array.from({ length: count }, (_, at) => `{"line":${at}}`);

for (const hash of [sha256Tree, sm3Tree]) {
  test(`${hash.name}: proofs from tiles are those of the recursion, also for checkpoints that are past`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.nat(),
        async (batches, at, old) => {
          const log = memoryLog();
          const sizes: number[] = [];
          for (const batch of batches) {
            log.append(linesOf(batch));
            log.publish();
            sizes.push(log.tree.size);
          }
          const lines = batches.flatMap(linesOf);
          const leaves = lines.map((line) => hash.leaf(Buffer.from(line)));
          for (const size of sizes) {
            const some = leaves.slice(0, size);
            const root = rootOf(some, hash.name);
            const prover = await TreeProver.open(readLog(log), { size, root }, hash);
            const index = at % size;
            const oldSize = 1 + (old % size);
            assert.deepEqual(await prover.inclusionProof(index), pathOf(index, some, hash.name));
            assert.deepEqual(await prover.consistencyProof(oldSize), proofOf(oldSize, some, hash.name));
            assert.deepEqual(await prover.rootAt(oldSize), rootOf(some.slice(0, oldSize), hash.name));
            assert.deepEqual((await readLog(log).tree(size, hash)).root(), root);
            const report = await checkTree(readLog(log), { size, root }, { hash });
            assert.deepEqual(report, { faults: [], entries: size, missing: [] });
          }
        },
      ),
      { numRuns: 25 },
    );
  });
}

test("a log of three levels: every proof goes through all of them", async () => {
  const log = memoryLog();
  const size = 66_000;
  log.append(linesOf(size));
  log.publish();
  const root = log.tree.root();
  const prover = await TreeProver.open(readLog(log), { size, root });
  for (const index of [0, 255, 256, 65_535, 65_536, 65_999]) {
    const leaf = leafHash(Buffer.from(`{"line":${index}}`));
    verifyInclusion({ index, size, leaf, root, proof: await prover.inclusionProof(index) });
  }
  for (const oldSize of [0, 1, 256, 65_535, 65_536, 65_537, 66_000]) await prover.consistencyProof(oldSize);
  assert.equal(log.files.get("tile/1/000")?.length, 8192);
  assert.equal(log.files.get("tile/2/000.p/1")?.length, 32);
  assert.deepEqual((await checkTree(readLog(log), { size, root })).faults, []);
});

test("a change of one bit of any file of a log is found and named by its path", async () => {
  const log = memoryLog();
  const size = 700;
  log.append(linesOf(size));
  log.publish();
  const root = log.tree.root();
  const paths = [...log.files.keys()].filter((path) => !path.startsWith("sm3/"));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.nat(), async (path, where) => {
      const bytes = log.files.get(path) ?? Buffer.alloc(0);
      const changed = Buffer.from(bytes);
      const at = where % changed.length;
      changed[at] = (changed[at] ?? 0) ^ (1 << (where % 8));
      log.files.set(path, changed);
      const { faults } = await checkTree(readLog(log), { size, root });
      log.files.set(path, bytes);
      assert.ok(faults.length > 0);
      const bundle = /entries\/(.*)$/.exec(path)?.[1];
      // An entry is named by the tile that contradicts it.
      const named = bundle === undefined ? [path] : [path, `tile/0/${bundle}`];
      for (const fault of faults) assert.ok(named.includes(fault.path), `${fault.kind} ${fault.path}`);
    }),
    { numRuns: 150 },
  );
});

test("what retention removed is told, and the proofs of it hold", async () => {
  const log = memoryLog();
  const size = 1_000;
  log.append(linesOf(size));
  log.publish();
  log.files.delete("tile/entries/000");
  log.files.delete("tile/entries/001");
  const root = log.tree.root();
  const report = await checkTree(readLog(log), { size, root });
  assert.deepEqual(report, { faults: [], entries: 488, missing: [{ begin: 0, end: 512 }] });
  const prover = await TreeProver.open(readLog(log), { size, root });
  const leaf = leafHash(Buffer.from('{"line":7}'));
  verifyInclusion({ index: 7, size, leaf, root, proof: await prover.inclusionProof(7) });
  await assert.rejects(readLog(log).entry(7, size), { code: "LOG_FILE_MISSING" });
});

test("a log that was rewritten from some entry on is found by the root that was before", async () => {
  const before = memoryLog();
  before.append(linesOf(500));
  const old = { size: 500, root: before.tree.root() };
  const rewritten = memoryLog();
  rewritten.append(linesOf(500).with(123, "{}"));
  rewritten.append(linesOf(100));
  rewritten.publish();
  const now = { size: 600, root: rewritten.tree.root() };
  const prover = await TreeProver.open(readLog(rewritten), now);
  assert.notDeepEqual(await prover.rootAt(old.size), old.root);
});

test("a checkpoint whose size is a lie ends the check, and not the memory", async () => {
  const log = memoryLog();
  log.append(linesOf(300));
  log.publish();
  const { faults } = await checkTree(readLog(log), { size: Number.MAX_SAFE_INTEGER, root: log.tree.root() });
  assert.ok(faults.length >= 100 && faults.length < 200);
  assert.ok(faults.every(({ kind }) => kind === "file"));
});

test("a fault of the SM3 tree is named by its own path", async () => {
  const log = memoryLog();
  log.append(linesOf(300));
  log.publish();
  const tile = log.files.get("sm3/tile/0/000");
  assert.ok(tile);
  tile[40] = (tile[40] ?? 0) ^ 1;
  const report = await checkTree(readLog(log), { size: 300, root: log.sm3.root() }, { hash: sm3Tree });
  assert.deepEqual(
    report.faults.map(({ kind, path }) => [kind, path]),
    [["tile", "sm3/tile/0/000"]],
  );
  assert.deepEqual((await checkTree(readLog(log), { size: 300, root: log.tree.root() })).faults, []);
});
