/** "Did you mean": near words are found, other words are not. */
import assert from "node:assert/strict";
import test from "node:test";
import { editDistance, suggest } from "../src/index.ts";

test("a slip is recognised, another word is not", () => {
  assert.equal(suggest("evla", ["compress", "eval", "inspect"]), "eval");
  assert.equal(suggest("comp", ["compress", "eval"]), "compress");
  assert.equal(suggest("banana", ["compress", "eval"]), null);
});

test("a short word is recognised too, in capitals or not, and never by what another word shares with it", () => {
  const options = ["images", "labels", "out", "bits", "json", "seed", "tf"];
  for (const [given, meant] of [
    ["imges", "images"],
    ["ou", "out"],
    ["uot", "out"],
    ["ot", "out"],
    ["bts", "bits"],
    ["JSON", "json"],
    ["ft", "tf"],
    ["tff", "tf"],
  ] as const) {
    assert.equal(suggest(given, options), meant, given);
  }
  for (const given of ["", "x", "o", "tg", "xf", "xy", "run", "info"])
    assert.equal(suggest(given, options), null, given);
});

test("the edit distance counts a swap of neighbours once", () => {
  assert.equal(editDistance("ab", "ba"), 1);
  assert.equal(editDistance("kitten", "sitting"), 3);
  assert.equal(editDistance("", "abc"), 3);
});
