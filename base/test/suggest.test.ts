/** "Did you mean": near words are found, other words are not. */
import assert from "node:assert/strict";
import test from "node:test";
import { editDistance, suggest } from "../src/index.ts";

test("a slip is recognised, another word is not", () => {
  assert.equal(suggest("evla", ["compress", "eval", "inspect"]), "eval");
  assert.equal(suggest("comp", ["compress", "eval"]), "compress");
  assert.equal(suggest("banana", ["compress", "eval"]), null);
});

test("the edit distance counts a swap of neighbours once", () => {
  assert.equal(editDistance("ab", "ba"), 1);
  assert.equal(editDistance("kitten", "sitting"), 3);
  assert.equal(editDistance("", "abc"), 3);
});
