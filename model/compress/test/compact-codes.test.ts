/** Codes of every width, packed and read again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@cupel/base";
import { compactCodes } from "../src/weights/compact-codes.ts";
import { uniformLevels, weightBits } from "../src/weights/quantised-weights.ts";

for (const bits of weightBits) {
  test(`${bits} bits: the codes are those that were given`, () => {
    const random = createRandom(bits);
    const [rows, columns] = [3, 37];
    const codes = Uint8Array.from({ length: rows * columns }, () => Math.floor(random.uniform() * 2 ** bits));
    const scales = new Float32Array(rows).fill(1);
    const levels = uniformLevels(bits);
    const weights = { bits, codes, levels, uniform: true, scales, rows, columns, blocks: null };
    const compact = compactCodes(weights);
    assert.deepEqual(compact.codes, codes);
    assert.deepEqual({ ...compact }, weights);
  });
}
