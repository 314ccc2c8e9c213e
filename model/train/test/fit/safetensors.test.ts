/** The file format, read here by its specification, and that damage anywhere is seen. */
import assert from "node:assert/strict";
import test from "node:test";
import { decodeSafetensors, encodeSafetensors } from "../../src/fit/safetensors.ts";

const content = {
  metadata: { note: "two tensors" },
  tensors: {
    "state/b": { dims: [], data: Float32Array.of(-1.5) },
    "state/a": { dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
  },
};
const file = () => Uint8Array.from(Buffer.concat(encodeSafetensors(content)));

test("a file is laid out as the specification says", () => {
  const bytes = Buffer.from(file());
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
  assert.equal(length % 8, 0);
  assert.equal(header.__metadata__.note, "two tensors");
  assert.match(header.__metadata__.sha256, /^[0-9a-f]{64}$/);
  const begin = 4;
  assert.deepEqual(header["state/a"], { dtype: "F32", shape: [2, 3], data_offsets: [begin, 28] });
  const values = Array.from({ length: 6 }, (_, i) => bytes.readFloatLE(8 + length + begin + 4 * i));
  assert.deepEqual(values, [1, 2, 3, 4, 5, 6]);
  assert.equal(bytes.length, 8 + length + 28);
});

test("what was written is read", () => {
  assert.deepEqual(decodeSafetensors(file()), content);
});

test("a file that is cut off anywhere, or has one bit turned, is refused", () => {
  const whole = file();
  for (let at = 0; at < whole.length; at++) {
    assert.throws(() => decodeSafetensors(whole.slice(0, at)), `cut off at ${at}`);
    const turned = whole.slice();
    turned[at]! ^= 1;
    // A turned bit in the padding of the header changes nothing that counts.
    if (whole[at] === 0x20 && at > 8) continue;
    assert.throws(() => decodeSafetensors(turned), `a bit of byte ${at}`);
  }
});

test("what only looks like the format is refused before its tensors are copied", () => {
  const made = (header: unknown, body = 8) => {
    const json = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([length, json, Buffer.alloc(body)]);
  };
  const pair = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  assert.throws(() => decodeSafetensors(made({ a: pair, b: pair })), /lie over each other/);
  assert.throws(
    () => decodeSafetensors(made({ a: pair, b: { ...pair, data_offsets: [4, 12] } }, 12)),
    /over/,
  );
  assert.throws(() => decodeSafetensors(made({ __metadata__: { sha256: 1 } })), /"sha256" is no text/);
  assert.throws(() => decodeSafetensors(made({ __metadata__: null })), /no texts by key/);
  assert.throws(() => decodeSafetensors(made([pair])), /no JSON object/);
});
