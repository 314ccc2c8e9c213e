/** Numbers of tensors in JSON, against the engine's own conversions and BigInt. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@cupel/base";
import { numbersOf } from "../../src/core/number-values.ts";
import { integer, readInteger } from "../../src/rest/read-integer.ts";
import { createTextBytes } from "../../src/rest/text-bytes.ts";
import { writeJsonData } from "../../src/rest/write-json-data.ts";
import { longestNumber, writeFloat, writeInteger } from "../../src/rest/write-number.ts";

const out = Buffer.alloc(longestNumber);
const bits = new DataView(new ArrayBuffer(8));
const random = createRandom(15).uniform;
const word = () => Math.floor(random() * 2 ** 32);

function anyFloat(): number {
  bits.setUint32(0, word());
  return bits.getFloat32(0);
}

test("64-bit integers keep every digit, and what does not fit is told", () => {
  const most = 2n ** 63n;
  const edges = [
    0n,
    1n,
    -1n,
    2n ** 53n + 1n,
    -(2n ** 53n) - 1n,
    most - 1n,
    -most,
    most,
    -most - 1n,
    2n ** 64n - 1n,
    2n ** 64n,
  ];
  const values = edges.concat(Array.from({ length: 5000 }, () => (BigInt(word()) << 32n) | BigInt(word())));
  const words = new Uint32Array(2);
  for (const value of values.flatMap((each) => [each, -each, each >> 20n])) {
    const bytes = Buffer.from(`${value},`);
    assert.equal(readInteger(bytes, 0, true), BigInt.asIntN(64, value) === value, `INT64 ${value}`);
    if (BigInt.asIntN(64, value) === value) {
      words[0] = integer.low;
      words[1] = integer.high;
      assert.equal(new BigInt64Array(words.buffer)[0], value);
    }
    assert.equal(readInteger(bytes, 0, false), BigInt.asUintN(64, value) === value, `UINT64 ${value}`);
    if (BigInt.asUintN(64, value) === value) {
      words[0] = integer.low;
      words[1] = integer.high;
      assert.equal(new BigUint64Array(words.buffer)[0], value);
    }
  }
});

test("a float is written so that it reads back, in nine digits at most", () => {
  const values = [
    0, -0, 0.1, -0.5, 1, 123456.789, 1e-6, 9.99999e-7, 16777216, 999999999, 1e9, 3.4028235e38, 1e-45,
  ]
    .map(Math.fround)
    .concat(Array.from({ length: 20_000 }, (_, i) => (i % 2 === 0 ? anyFloat() : Math.fround(random()))))
    .filter(Number.isFinite);
  for (const value of values) {
    const text = out.toString("latin1", 0, writeFloat(out, 0, value));
    assert.ok(Object.is(Math.fround(JSON.parse(text)), value), `${value} is written ${text}`);
    const size = Math.abs(value);
    if (size >= 1e-6 && size < 1e9) {
      const digits = text.replace(/^-?0*\.?0*/, "").replace(".", "");
      assert.ok(digits.length <= 9, `${value} is written ${text}`);
    }
  }
  assert.equal(out.toString("latin1", 0, writeFloat(out, 0, Math.fround(0.1))), "0.1");
});

test("an integer is written in its digits", () => {
  for (const value of [0, 7, -10, 99, 100, 2 ** 31, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    assert.equal(out.toString("latin1", 0, writeInteger(out, 0, value)), String(value));
  }
});

test("64-bit integers are written in all their digits", () => {
  const around = [
    0n,
    10n ** 9n,
    2n ** 32n,
    2n ** 53n,
    10n ** 18n,
    2n ** 62n,
    2n ** 63n,
    10n ** 19n,
    2n ** 64n,
  ];
  const values = around
    .flatMap((each) => [each - 1n, each, each + 1n, -each, 1n - each, -each - 1n])
    .concat(
      Array.from({ length: 20_000 }, () => ((BigInt(word()) << 32n) | BigInt(word())) >> BigInt(word() % 64)),
    );
  for (const [datatype, array] of [
    ["INT64", BigInt64Array],
    ["UINT64", BigUint64Array],
  ] as const) {
    const data = array.from(values);
    const text = createTextBytes();
    writeJsonData(text, { name: "y", datatype, shape: [data.length], data });
    assert.equal(text.done().toString(), `[${data.join(",")}]`);
  }
});

test("plain numbers become 64-bit integers as BigInt makes them", () => {
  const most = Number.MAX_SAFE_INTEGER;
  const values = [0, -0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, -(2 ** 32), -(2 ** 32) - 1, most, -most];
  const head = { name: "x", shape: [values.length] };
  assert.deepEqual(
    numbersOf(values, { ...head, datatype: "INT64" }, false),
    BigInt64Array.from(values, (value) => BigInt(value)),
  );
  const positive = values.filter((value) => value >= 0);
  assert.deepEqual(
    numbersOf(positive, { ...head, datatype: "UINT64" }, false),
    BigUint64Array.from(positive, (value) => BigInt(value)),
  );
});
