/** The tree against the recursion of RFC 6962 as it stands there, written by `createHash`. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { leafHash, MerkleTree, sha256Tree, sm3Tree, type Tile, type TreeHash } from "@cupel/audit";
import fc from "fast-check";
import { edgeOf } from "../../src/tree/tile-layout.ts";
import { rootOf } from "./naive-tree.ts";

const leaves = (count: number, hash: TreeHash = sha256Tree) =>
  Array.from({ length: count }, (_, at) => hash.leaf(Buffer.from(`leaf ${at}`)));

test("a leaf is SHA-256 of a zero byte and the line, whatever its length", () => {
  for (const length of [0, 1, 273, 65_535, 65_536, 200_000]) {
    const line = Buffer.alloc(length, 0x61);
    const expected = createHash("sha256")
      .update(Buffer.concat([Buffer.of(0), line]))
      .digest();
    assert.deepEqual(leafHash(line), expected);
  }
});

test("the roots of known trees: RFC 6962's empty one, and those of transparency-dev's eight leaves", () => {
  const inputs = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
  ];
  const roots = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ];
  const tree = new MerkleTree();
  assert.equal(tree.root().toString("hex"), roots[0]);
  for (const [at, input] of inputs.entries()) {
    tree.append(leafHash(Buffer.from(input, "hex")));
    assert.equal(tree.root().toString("hex"), roots[at + 1]);
  }
});

for (const hash of [sha256Tree, sm3Tree]) {
  test(`${hash.name}: every size to 600 has the root of the recursion`, () => {
    const tree = new MerkleTree(hash);
    const all = leaves(600, hash);
    for (const [at, leaf] of all.entries()) {
      tree.append(leaf);
      if (at % 7 === 0 || at > 500) {
        assert.deepEqual(tree.root(), rootOf(all.slice(0, at + 1), hash.name), `${at + 1} leaves`);
      }
    }
  });
}

test("tiles hold the roots that the layout defines, each finished one is handed out once", () => {
  const size = 70_000;
  const all = leaves(size);
  const tree = new MerkleTree();
  const tiles = new Map<string, Tile>();
  let full = 0;
  for (const [at, leaf] of all.entries()) {
    tree.append(leaf);
    if (at % 999 === 0 || at === size - 1) {
      for (const tile of tree.takeTiles()) {
        if (tile.width === 256) full++;
        tiles.set(`${tile.level}/${tile.index}`, tile);
      }
    }
  }
  assert.deepEqual(tree.takeTiles(), []);
  // The example of the specification: 273 full tiles and one of 112; one full tile and one of 17; one of 1.
  assert.equal(full, 274);
  assert.equal(tiles.size, 277);
  assert.deepEqual(edgeOf(size), [
    { level: 0, index: 273, width: 112 },
    { level: 1, index: 1, width: 17 },
    { level: 2, index: 0, width: 1 },
  ]);
  for (const { level, index, width, hashes } of tiles.values()) {
    assert.equal(hashes.length, 32 * width);
    const spans = 256 ** level;
    for (const at of [0, width - 1]) {
      const begin = (index * 256 + at) * spans;
      assert.deepEqual(
        hashes.subarray(32 * at, 32 * (at + 1)),
        rootOf(all.slice(begin, begin + spans), "sha256"),
      );
    }
  }
});

test("a tree goes on from its partial tiles as if it had never stopped", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_200 }), fc.integer({ min: 0, max: 600 }), (first, more) => {
      const all = leaves(first + more);
      const before = new MerkleTree();
      for (const leaf of all.slice(0, first)) before.append(leaf);
      const edge = before.takeTiles().filter(({ width }) => width < 256);
      const after = MerkleTree.at(first, edge);
      assert.deepEqual(after.root(), before.root());
      for (const leaf of all.slice(first)) {
        before.append(leaf);
        after.append(leaf);
      }
      assert.deepEqual(after.root(), rootOf(all, "sha256"));
      assert.deepEqual(after.takeTiles(), before.takeTiles());
    }),
    { numRuns: 60 },
  );
});

test("partial tiles of another size are refused", () => {
  const tree = new MerkleTree();
  for (const leaf of leaves(300)) tree.append(leaf);
  const edge = tree.takeTiles().filter(({ width }) => width < 256);
  assert.throws(() => MerkleTree.at(301, edge), RangeError);
  assert.throws(() => MerkleTree.at(256, edge), RangeError);
  assert.throws(() => MerkleTree.at(300, edge.toReversed()), RangeError);
  assert.throws(() => MerkleTree.at(-1, []), RangeError);
  assert.throws(() => MerkleTree.at(2 ** 53, []), RangeError);
  assert.throws(() => tree.append(Buffer.alloc(31)), RangeError);
});
