/** Proofs: the cases of transparency-dev/merkle, and random trees against the recursion of RFC 6962. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { leafHash, verifyConsistency, verifyInclusion } from "@cupel/audit";
import fc from "fast-check";
import { suiteFolder } from "../suite-folder.ts";
import { pathOf, proofOf, rootOf } from "./naive-tree.ts";
import { readCases } from "./read-cases.ts";

const { skip } = suiteFolder;
const bytes = (text: string) => Buffer.from(text, "base64");
const accepts = (body: () => void): boolean => {
  try {
    body();
    return true;
  } catch (thrown) {
    assert.equal((thrown as { code?: string }).code, "PROOF_INVALID");
    return false;
  }
};

test("98 inclusion cases of transparency-dev/merkle", { skip }, async () => {
  const cases = await readCases("inclusion");
  assert.equal(cases.length, 98);
  for (const { name, value } of cases) {
    const { leafIdx, treeSize, leafHash: leaf, root, proof, wantErr } = value;
    const claim = {
      index: leafIdx,
      size: treeSize,
      leaf: bytes(leaf),
      root: bytes(root),
      proof: (proof ?? []).map(bytes),
    };
    assert.equal(
      accepts(() => verifyInclusion(claim)),
      !wantErr,
      name,
    );
  }
});

test("98 consistency cases of transparency-dev/merkle", { skip }, async () => {
  const cases = await readCases("consistency");
  assert.equal(cases.length, 98);
  for (const { name, value } of cases) {
    const { size1, size2, root1, root2, proof, wantErr } = value;
    const claim = {
      oldSize: size1,
      size: size2,
      oldRoot: bytes(root1),
      root: bytes(root2),
      proof: (proof ?? []).map(bytes),
    };
    assert.equal(
      accepts(() => verifyConsistency(claim)),
      !wantErr,
      name,
    );
  }
});

const leavesOf = (count: number) => Array.from({ length: count }, (_, at) => leafHash(Buffer.from(`${at}`)));
const size = fc.integer({ min: 1, max: 300 });
const flip = (hash: Uint8Array, bit: number): Buffer => {
  const changed = Buffer.from(hash);
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return changed;
};

test("an inclusion proof of the recursion is accepted, and with any bit changed it is not", () => {
  fc.assert(
    fc.property(size, fc.nat(), fc.nat(), (count, at, where) => {
      const index = at % count;
      const leaves = leavesOf(count);
      const claim = {
        index,
        size: count,
        leaf: leaves[index] ?? Buffer.alloc(0),
        root: rootOf(leaves, "sha256"),
        proof: pathOf(index, leaves, "sha256"),
      };
      verifyInclusion(claim);
      const parts = [claim.leaf, claim.root, ...claim.proof];
      const part = where % parts.length;
      const [leaf = claim.leaf, root = claim.root, ...proof] = parts.map((hash, each) =>
        each === part ? flip(hash, where % 256) : hash,
      );
      const refused = { code: "PROOF_INVALID" };
      assert.throws(() => verifyInclusion({ ...claim, leaf, root, proof }), refused);
      assert.throws(() => verifyInclusion({ ...claim, proof: [...claim.proof, claim.root] }), refused);
      if (claim.proof.length > 0) {
        assert.throws(() => verifyInclusion({ ...claim, proof: claim.proof.slice(0, -1) }), refused);
        assert.throws(() => verifyInclusion({ ...claim, index: (index + 1) % count }), refused);
      }
    }),
  );
});

test("a consistency proof of the recursion is accepted; a bit changed, or another history, is not", () => {
  fc.assert(
    fc.property(size, fc.nat(), fc.nat(), (count, at, where) => {
      const oldSize = 1 + (at % count);
      const leaves = leavesOf(count);
      const claim = {
        oldSize,
        oldRoot: rootOf(leaves.slice(0, oldSize), "sha256"),
        size: count,
        root: rootOf(leaves, "sha256"),
        proof: proofOf(oldSize, leaves, "sha256"),
      };
      verifyConsistency(claim);
      const parts = [claim.oldRoot, claim.root, ...claim.proof];
      const part = where % parts.length;
      const [oldRoot = claim.oldRoot, root = claim.root, ...proof] = parts.map((hash, each) =>
        each === part ? flip(hash, where % 256) : hash,
      );
      const refused = { code: "PROOF_INVALID" };
      assert.throws(() => verifyConsistency({ ...claim, oldRoot, root, proof }), refused);
      // A split view: the same size, one old entry changed, and the proof that such a log would give.
      const forged = leaves.map((leaf, each) => (each === where % oldSize ? flip(leaf, 0) : leaf));
      const split = { root: rootOf(forged, "sha256"), proof: proofOf(oldSize, forged, "sha256") };
      assert.throws(() => verifyConsistency({ ...claim, ...split }), refused);
    }),
  );
});

test("what cannot be is refused: no entry, a smaller tree, sizes beyond what is exact", () => {
  const hash = Buffer.alloc(32);
  for (const [index, count] of [
    [0, 0],
    [1, 1],
    [-1, 1],
    [0.5, 2],
    [2 ** 53, 2 ** 54],
    [Number.NaN, 1],
  ] as const) {
    const claim = { index, size: count, leaf: hash, root: hash, proof: [] };
    assert.throws(() => verifyInclusion(claim), { code: "PROOF_INVALID" });
  }
  const claim = { oldSize: 2, oldRoot: hash, size: 1, root: hash, proof: [] };
  assert.throws(() => verifyConsistency(claim), { code: "PROOF_INVALID" });
});

test("an entry of the largest trees is proved by 53 hashes", () => {
  const count = Number.MAX_SAFE_INTEGER;
  const proof = Array.from({ length: 53 }, () => Buffer.alloc(32, 1));
  const claim = { index: 2 ** 52 + 1, size: count, leaf: Buffer.alloc(32), root: Buffer.alloc(32), proof };
  assert.throws(() => verifyInclusion(claim), { message: /another root/ });
  assert.throws(() => verifyInclusion({ ...claim, proof: proof.slice(1) }), { message: /too short/ });
});
