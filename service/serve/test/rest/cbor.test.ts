/** CBOR over REST, against an independent encoder's bytes, and what is refused before it is decoded. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { InferenceRequest } from "@cupel/serve";
import { Decoder, Encoder, Tag } from "cbor-x";
import { scanCbor } from "../../src/rest/scan-cbor.ts";
import { echo, infer, serve } from "./support.ts";

const encoder = new Encoder({ useRecords: false });
const decoder = new Decoder({ useRecords: false });
const cbor = { "content-type": "application/cbor" };

async function post(url: string, body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/v2/models/echo/infer`, {
    method: "POST",
    body,
    headers: { ...cbor, ...headers },
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, type: response.headers.get("content-type"), bytes };
}

function encoded(value: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encoder.encode(value));
}

function request(datatype: string, shape: number[], data: unknown) {
  return encoded({ id: "a", inputs: [{ name: "x", datatype, shape, data }] });
}

/** Heads by RFC 8949, section 3: major type and argument. */
const head = (major: number, argument: number) => {
  if (argument < 24) return [(major << 5) | argument];
  if (argument < 256) return [(major << 5) | 24, argument];
  const bytes = Buffer.alloc(5);
  bytes[0] = (major << 5) | 26;
  bytes.writeUInt32BE(argument, 1);
  return [...bytes];
};
const text = (value: string) => [...head(3, value.length), ...Buffer.from(value)];

test("typed arrays come in and go out; NaN and halves go too", async () => {
  const seen: InferenceRequest[] = [];
  const plain = echo();
  const service = echo({
    infer: (asked, call) => {
      seen.push(asked);
      return plain.infer(asked, call);
    },
  });
  await using served = await serve({ service });
  const cases: readonly (readonly [string, number[], unknown, unknown])[] = [
    ["FP32", [2], Float32Array.of(Number.NaN, -0.5), Float32Array.of(Number.NaN, -0.5)],
    ["FP32", [1, 2], [[Number.POSITIVE_INFINITY, 2]], Float32Array.of(Number.POSITIVE_INFINITY, 2)],
    ["FP32", [1], Buffer.from([0, 0, 0x80, 0x3f]), Float32Array.of(1)],
    ["FP64", [1], Float64Array.of(0.1), Float64Array.of(0.1)],
    ["INT64", [2], BigInt64Array.of(-(2n ** 63n), 7n), BigInt64Array.of(-(2n ** 63n), 7n)],
    ["UINT64", [2], [2n ** 64n - 1n, 5], BigUint64Array.of(2n ** 64n - 1n, 5n)],
    ["UINT8", [3], Uint8Array.of(1, 2, 255), Uint8Array.of(1, 2, 255)],
    ["BOOL", [2], [true, false], Uint8Array.of(1, 0)],
    // Big-endian floats, tag 81: 1.0 and -2.0.
    ["FP32", [2], new Tag(Buffer.from("3f800000c0000000", "hex"), 81), Float32Array.of(1, -2)],
  ];
  for (const [datatype, shape, data, expected] of cases) {
    const { status, type, bytes } = await post(served.url, request(datatype, shape, data));
    assert.equal(status, 200, `${datatype}: ${bytes}`);
    assert.equal(type, "application/cbor");
    const answer = decoder.decode(bytes);
    assert.equal(answer.id, "a");
    assert.deepEqual(answer.outputs[0].data, expected, datatype);
  }
  for (const tag of [80, 84]) {
    const half = Buffer.from(tag === 80 ? "3c00" : "003c", "hex");
    const { bytes } = await post(served.url, request("FP16", [1], new Tag(half, tag)));
    const { data } = decoder.decode(bytes).outputs[0];
    assert.deepEqual([data.tag, Buffer.from(data.value).toString("hex")], [84, "003c"]);
  }
  const images = [Buffer.from([1, 2]), Buffer.from([3])];
  assert.equal((await post(served.url, request("BYTES", [2], images))).status, 200);
  const last = seen.at(-1)?.inputs[0];
  assert.deepEqual(last?.datatype === "BYTES" && last.data.map((each) => Buffer.from(each)), images);
});

test("the form of the answer is negotiated", async () => {
  await using served = await serve();
  const body = request("FP32", [1], Float32Array.of(1));
  assert.equal((await post(served.url, body, { accept: "application/json" })).type, "application/json");
  assert.equal((await post(served.url, body, { accept: "*/*" })).type, "application/cbor");
  const json = JSON.stringify({ inputs: [{ name: "x", shape: [1], datatype: "FP32", data: [1] }] });
  const asked = await infer(served.url, json, { accept: "application/cbor, application/json;q=0.9" });
  assert.equal(asked.headers.get("content-type"), "application/cbor");
  const refused = await post(served.url, encoded({}));
  assert.equal(refused.type, "application/problem+json");
});

test("what a decoder would stumble over is refused before it is decoded", async () => {
  await using served = await serve();
  const cases: Readonly<Record<string, number[]>> = {
    "20,000 arrays in each other": [...new Array(20_000).fill(0x81), 0],
    "20,000 maps in each other": [...new Array(20_000).fill([0xa1, 0x61, 0x61]).flat(), 0],
    "20,000 tags": [...new Array(20_000).fill(0xd8), 64, 0x40],
    "an array of four billion": head(4, 2 ** 32 - 1),
    "a byte string longer than the body": head(2, 1000),
    "a length of 64 bits": [0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    "a length that is not stated": [0x9f, 1, 0xff],
    "a key that is a number": [0xa1, 1, 1],
    "a tag of records": [...head(6, 105), 0x80],
    "a regular expression": [...head(6, 27), 0x82, ...text("RegExp"), ...text("(a+)+$")],
    "floats in three bytes": [...head(6, 85), ...head(2, 3), 1, 2, 3],
    "a typed array of text": [...head(6, 85), ...text("abcd")],
    "more after the end": [0xa0, 0xa0],
    nothing: [],
    "half of a head": [0x1a, 0],
    "a reserved head": [0x1c],
  };
  for (const [what, bytes] of Object.entries(cases)) {
    const { status, bytes: answer } = await post(served.url, Uint8Array.from(bytes));
    assert.equal(status, 400, what);
    assert.match(answer.toString(), /"code":"REQUEST_INVALID"/, what);
    assert.throws(() => scanCbor(Uint8Array.from(bytes)), { code: "REQUEST_INVALID" }, what);
  }
});

test("data that is not of its datatype or shape is refused", async () => {
  await using served = await serve();
  const cases = [
    request("FP32", [1], Float64Array.of(1)),
    request("FP32", [2], Float32Array.of(1)),
    request("FP32", [1], Buffer.alloc(3)),
    request("FP32", [1], "text"),
    request("FP32", [1], ["1"]),
    request("UINT8", [1], [256]),
    request("INT64", [1], [2n ** 63n]),
    request("FP16", [1], [1]),
    request("BYTES", [1], ["text"]),
    request("BYTES", [2], [Buffer.alloc(1)]),
    encoded({ inputs: [{ name: "x", datatype: "FP32", shape: [1] }] }),
    encoded({ inputs: { x: 1 } }),
    encoded([1]),
  ];
  for (const body of cases) assert.equal((await post(served.url, body)).status, 400);
});
