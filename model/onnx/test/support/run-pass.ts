/** Runs one pass and tells whether it says it changed the model; that must be true to the byte. */
import assert from "node:assert/strict";
import { encodeModelBytes, type Model, type Pass } from "../../src/index.ts";
import { assertInvariants } from "./invariants.ts";

export function runPass(pass: Pass, model: Model): boolean {
  const before = encodeModelBytes(model);
  const { modified, notes } = pass.run(model);
  assert.equal(modified, !Buffer.from(encodeModelBytes(model)).equals(before));
  assert.equal(modified, notes.length > 0);
  assertInvariants(model.graph);
  return modified;
}
