/** What `cupel serve` says and how it ends, as a process. */
import assert from "node:assert/strict";
import test from "node:test";
import { spawnCupel } from "./harness.ts";

test("processes that cannot start end, and so does the one that supervises them", async () => {
  const child = spawnCupel(["serve", "no-such-folder", "--port", "0", "--processes", "2"]);
  const told = await child.ended;
  assert.equal(told.status, 70, told.err + told.out);
  assert.match(told.err, /error REPOSITORY_INVALID: /);
  assert.match(told.err, /error SERVE_FAILED: No process could start; the first ended with status 66\./);
});
