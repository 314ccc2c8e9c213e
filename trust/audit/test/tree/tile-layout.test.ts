import assert from "node:assert/strict";
import { test } from "node:test";
import { bundlePath, tilePath } from "@cupel/audit";
import { edgeOf, widthOf } from "../../src/tree/tile-layout.ts";
import { parseTreeSize } from "../../src/tree/tree-size.ts";

test("paths are those of the specification", () => {
  assert.equal(tilePath({ level: 0, index: 1_234_067, width: 256 }), "tile/0/x001/x234/067");
  assert.equal(tilePath({ level: 3, index: 0, width: 7 }), "tile/3/000.p/7");
  assert.equal(tilePath({ level: 0, index: 999, width: 256 }), "tile/0/999");
  assert.equal(tilePath({ level: 0, index: 1_000, width: 255 }), "tile/0/x001/000.p/255");
  assert.equal(bundlePath(1_234_067, 256), "tile/entries/x001/x234/067");
  assert.equal(bundlePath(70, 1), "tile/entries/070.p/1");
});

test("a tree of 256 leaves has a full tile and one of width 1 above it", () => {
  assert.deepEqual(edgeOf(256), [{ level: 1, index: 0, width: 1 }]);
  assert.equal(widthOf(256, 0, 0), 256);
  assert.equal(widthOf(256, 0, 1), 0);
  assert.equal(widthOf(256, 1, 0), 1);
  assert.equal(widthOf(70_000, 0, 273), 112);
});

test("sizes are decimal without sign and leading zeros, and at most 2^53 - 1", () => {
  assert.equal(parseTreeSize("0"), 0);
  assert.equal(parseTreeSize("9007199254740991"), 9_007_199_254_740_991);
  for (const text of [
    "",
    "00",
    "01",
    "-1",
    "+1",
    "1.0",
    "1e3",
    " 1",
    "1\n",
    "9007199254740992",
    "18446744073709551615",
  ]) {
    assert.equal(parseTreeSize(text), null, text);
  }
});

test("the edge of the largest tree is counted without rounding", () => {
  const edge = edgeOf(Number.MAX_SAFE_INTEGER);
  assert.deepEqual(
    edge.map(({ width }) => width),
    [255, 255, 255, 255, 255, 255, 31],
  );
});
