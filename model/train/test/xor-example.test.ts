/** examples/xor.ts as a reader would run it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";
import { fileURLToPath } from "node:url";

test("the example learns XOR", () => {
  const example = fileURLToPath(new URL("../../../examples/xor.ts", import.meta.url));
  const told = execFileSync(process.execPath, [example], { encoding: "utf8" });
  assert.equal(told, "0 xor 0 = 0\n0 xor 1 = 1\n1 xor 0 = 1\n1 xor 1 = 0\n");
});
