/** Triton's binary tensor extension: JSON first, then the tensors' bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { InferenceRequest } from "@cupel/serve";
import { echo, infer, serve } from "./support.ts";

interface Entry {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** @param over members of the request besides its inputs */
function message(entries: readonly Entry[], over: Record<string, unknown> = {}) {
  const inputs = entries.map(({ bytes, ...entry }) => ({
    ...entry,
    parameters: { binary_data_size: bytes.length },
  }));
  const json = Buffer.from(JSON.stringify({ inputs, ...over }));
  return {
    headers: { "inference-header-content-length": String(json.length) },
    body: Buffer.concat([json, ...entries.map(({ bytes }) => bytes)]),
  };
}

const bytesOf = (data: NodeJS.TypedArray) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const x = { name: "x", datatype: "FP32", shape: [3], bytes: bytesOf(Float32Array.of(1, Number.NaN, -0.5)) };

async function post(url: string, { headers, body }: ReturnType<typeof message>) {
  const response = await fetch(`${url}/v2/models/echo/infer`, { method: "POST", headers, body });
  return {
    status: response.status,
    length: Number(response.headers.get("inference-header-content-length")),
    type: response.headers.get("content-type"),
    body: Buffer.from(await response.arrayBuffer()),
  };
}

test("tensors come as bytes and go as bytes, in order, and a view is taken of the first", async () => {
  const seen: InferenceRequest[] = [];
  const plain = echo();
  const service = echo({
    infer: (request, call) => {
      seen.push(request);
      return plain.infer(request, call);
    },
  });
  await using served = await serve({ service });
  const half = { name: "h", datatype: "FP16", shape: [1, 1], bytes: bytesOf(Uint16Array.of(0x3c00)) };
  const wide = {
    name: "w",
    datatype: "INT64",
    shape: [1],
    bytes: bytesOf(BigInt64Array.of(-(2n ** 60n) - 1n)),
  };
  const sent = message([x, half, wide], { id: "7", parameters: { binary_data_output: true } });
  const { status, type, length, body } = await post(served.url, sent);
  assert.equal(status, 200, body.toString());
  assert.equal(type, "application/octet-stream");
  const sizes = (size: number) => ({ binary_data_size: size });
  assert.deepEqual(JSON.parse(body.subarray(0, length).toString()), {
    model_name: "echo",
    model_version: "1",
    id: "7",
    outputs: [
      { name: "x", datatype: "FP32", shape: [3], parameters: sizes(12) },
      { name: "h", datatype: "FP16", shape: [1, 1], parameters: sizes(2) },
      { name: "w", datatype: "INT64", shape: [1], parameters: sizes(8) },
    ],
  });
  assert.deepEqual(body.subarray(length), Buffer.concat([x.bytes, half.bytes, wide.bytes]));
  const [first, second] = seen[0]?.inputs ?? [];
  assert.ok(first && first.datatype !== "BYTES" && second && second.datatype !== "BYTES");
  assert.equal(first.data.buffer, second.data.buffer, "both are views of the body");
});

test("an output is sent as it is asked for, by itself or by the request", async () => {
  await using served = await serve();
  const one = { ...x, bytes: bytesOf(Float32Array.of(1, 2, 3)) };
  const two = { ...one, name: "y" };
  const outputs = [{ name: "x", parameters: { binary_data: true } }, { name: "y" }];
  const { length, body } = await post(served.url, message([one, two], { outputs }));
  const head = JSON.parse(body.subarray(0, length).toString());
  assert.deepEqual(head.outputs[0].parameters, { binary_data_size: 12 });
  assert.deepEqual(head.outputs[1].data, [1, 2, 3]);
  assert.deepEqual(body.subarray(length), Buffer.from(one.bytes));
  const json = await post(served.url, message([one]));
  assert.equal(json.type, "application/json");
});

test("encoded images are BYTES, each after its length, or base64 in JSON", async () => {
  const seen: InferenceRequest[] = [];
  const service = echo({
    infer: async (request) => {
      seen.push(request);
      return { model: "echo", version: "1", outputs: [] };
    },
  });
  await using served = await serve({ service });
  const images = [Buffer.from([1, 2, 3]), Buffer.from([]), Buffer.from([255])];
  const lengths = images.map(({ length }) => bytesOf(Uint32Array.of(length)));
  const bytes = Buffer.concat(images.flatMap((image, i) => [lengths[i] ?? image, image]));
  const entry = { name: "image", datatype: "BYTES", shape: [3], bytes };
  assert.equal((await post(served.url, message([entry]))).status, 200);
  const data = images.map((image) => image.toString("base64"));
  const body = JSON.stringify({ inputs: [{ name: "image", datatype: "BYTES", shape: [3], data }] });
  assert.equal((await infer(served.url, body)).status, 200);
  for (const request of seen) {
    const [tensor] = request.inputs;
    assert.ok(tensor?.datatype === "BYTES");
    assert.deepEqual(
      tensor.data.map((each) => Buffer.from(each)),
      images,
    );
  }
  for (const bytes of [Buffer.from([1, 0, 0]), Buffer.from([9, 0, 0, 0, 1]), Buffer.alloc(4)]) {
    assert.equal((await post(served.url, message([{ ...entry, bytes }]))).status, 400);
  }
});

test("sizes that contradict the shape, the body or each other are refused", async () => {
  await using served = await serve();
  const whole = message([x]);
  const cases = [
    message([{ ...x, shape: [4] }]),
    message([{ ...x, shape: [2 ** 40, 2 ** 40] }]),
    { ...whole, body: whole.body.subarray(0, -1) },
    { ...whole, body: Buffer.concat([whole.body, Buffer.alloc(1)]) },
    { ...whole, headers: { "inference-header-content-length": "100000" } },
    { ...whole, headers: { "inference-header-content-length": "-1" } },
    { ...whole, headers: { "inference-header-content-length": "1e2" } },
    message([{ ...x, datatype: "BOOL", shape: [1], bytes: Buffer.from([2]) }]),
    message([x], {
      inputs: [{ name: "x", datatype: "FP32", shape: [3], parameters: { binary_data_size: 12 }, data: [1] }],
    }),
    message([], {
      inputs: [{ name: "x", datatype: "FP32", shape: [3], parameters: { shared_memory_region: "r" } }],
    }),
  ];
  for (const each of cases) {
    const { status, body } = await post(served.url, each);
    assert.equal(status, 400, body.toString());
    assert.match(body.toString(), /REQUEST_INVALID|INPUT_SHAPE_MISMATCH/);
  }
});
