/** Codes of every width, packed and read again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, openTemporaryFolder } from "@cupel/base";
import { weightFolder } from "@cupel/onnx";
import { compactCodes, plainCodes } from "../src/weights/compact-codes.ts";
import {
  type QuantisedWeights,
  uniformLevels,
  type WeightBits,
  weightBits,
} from "../src/weights/quantised-weights.ts";

function codesOf(bits: WeightBits): QuantisedWeights {
  const random = createRandom(bits);
  const [rows, columns] = [3, 37];
  const codes = Uint8Array.from({ length: rows * columns }, () => Math.floor(random.uniform() * 2 ** bits));
  const scales = new Float32Array(rows).fill(1);
  return { bits, codes, levels: uniformLevels(bits), uniform: true, scales, rows, columns, blocks: null };
}

for (const bits of weightBits) {
  test(`${bits} bits: the codes are those that were given, in memory and in a file`, async () => {
    const weights = codesOf(bits);
    await using folder = await openTemporaryFolder("codes");
    for (const place of [null, weightFolder(folder.path)]) {
      const compact = await compactCodes(weights, place);
      assert.deepEqual(compact.codes, weights.codes);
      assert.deepEqual({ ...compact }, weights);
    }
  });
}

test("plain codes outlive the folder", async () => {
  const weights = codesOf(4);
  const folder = await openTemporaryFolder("codes");
  const compact = await compactCodes(weights, weightFolder(folder.path));
  const plain = plainCodes(compact);
  await folder[Symbol.asyncDispose]();
  assert.throws(() => compact.codes, { code: "EXTERNAL_DATA_MISSING" });
  assert.deepEqual(plain.codes, weights.codes);
});
