/** Tensors over gRPC, raw and typed, by another's client; and what contradicts itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readNumbers } from "../../src/core/tensor-bytes.ts";
import type { Message } from "../support/grpc-peer.ts";
import { bytesOf, infer, openFace, refusal } from "./open-face.ts";

const tensors = [
  ["BOOL", Uint8Array.of(1, 0, 1), { bool_contents: [true, false, true] }],
  ["INT8", Int8Array.of(-128, 0, 127), { int_contents: [-128, 0, 127] }],
  ["INT16", Int16Array.of(-32768, 1, 32767), { int_contents: [-32768, 1, 32767] }],
  ["INT32", Int32Array.of(-(2 ** 31), 1, 2 ** 31 - 1), { int_contents: [-(2 ** 31), 1, 2 ** 31 - 1] }],
  [
    "INT64",
    BigInt64Array.of(-(2n ** 63n), 9007199254740993n, 2n ** 63n - 1n),
    { int64_contents: ["-9223372036854775808", "9007199254740993", "9223372036854775807"] },
  ],
  ["UINT8", Uint8Array.of(0, 1, 255), { uint_contents: [0, 1, 255] }],
  ["UINT16", Uint16Array.of(0, 1, 65535), { uint_contents: [0, 1, 65535] }],
  ["UINT32", Uint32Array.of(0, 1, 2 ** 32 - 1), { uint_contents: [0, 1, 2 ** 32 - 1] }],
  [
    "UINT64",
    BigUint64Array.of(0n, 9007199254740993n, 2n ** 64n - 1n),
    { uint64_contents: ["0", "9007199254740993", "18446744073709551615"] },
  ],
  ["FP16", Uint16Array.of(0x3c00, 0x7c00, 0x8000), null],
  ["FP32", Float32Array.of(1.5, -0, Number.NaN), { fp32_contents: [1.5, -0, Number.NaN] }],
  ["FP64", Float64Array.of(0.1, -1e300, 5e-324), { fp64_contents: [0.1, -1e300, 5e-324] }],
] as const;

test("tensors of every datatype come and go as bytes, and come as typed contents, to the bit", async () => {
  await using server = await openFace();
  for (const [datatype, data, contents] of tensors) {
    const input = { name: "x", datatype, shape: [1, 3] };
    const raw = await server.peer.call(infer, {
      model_name: "echo",
      id: "a-1",
      inputs: [input],
      raw_input_contents: [bytesOf(data)],
    });
    assert.deepEqual([raw.model_name, raw.model_version, raw.id], ["echo", "1", "a-1"]);
    assert.deepEqual(raw.raw_output_contents, [bytesOf(data)], datatype);
    const [output] = raw.outputs as Message[];
    assert.deepEqual([output?.name, output?.datatype, output?.shape], ["x", datatype, ["1", "3"]]);
    if (contents === null) continue;
    const typed = await server.peer.call(infer, { model_name: "echo", inputs: [{ ...input, contents }] });
    assert.deepEqual(typed.raw_output_contents, [bytesOf(data)], datatype);
  }
});

test("elements of bytes come raw, each after its length, or typed; parameters and wanted outputs reach the service", async () => {
  await using server = await openFace();
  const input = { name: "image", datatype: "BYTES", shape: [2] };
  const raw = Buffer.concat([Buffer.from([2, 0, 0, 0, 7, 8]), Buffer.from([0, 0, 0, 0])]);
  const parameters = {
    priority: { uint64_param: "18446744073709551615" },
    limit: { int64_param: "-2" },
    scale: { double_param: 0.5 },
    fast: { bool_param: true },
    note: { string_param: "n" },
  };
  await server.peer.call(infer, {
    model_name: "echo",
    model_version: "4",
    inputs: [input],
    raw_input_contents: [raw],
    outputs: [{ name: "y" }],
    parameters,
  });
  const contents = { bytes_contents: [Buffer.from([7, 8]), Buffer.alloc(0)] };
  await server.peer.call(infer, { model_name: "echo", inputs: [{ ...input, contents }] });
  const [first, second] = server.echo.requests;
  for (const request of [first, second]) {
    const data: Iterable<unknown> = request?.inputs[0]?.data ?? [];
    assert.deepEqual(
      [...data].map((each) => (each instanceof Uint8Array ? [...each] : each)),
      [[7, 8], []],
    );
  }
  assert.deepEqual(first?.parameters, {
    priority: 2n ** 64n - 1n,
    limit: -2n,
    scale: 0.5,
    fast: true,
    note: "n",
  });
  assert.deepEqual([first?.version, first?.outputs], ["4", ["y"]]);
  assert.deepEqual([second?.version, second?.outputs, second?.id], [undefined, undefined, undefined]);
});

test("a request that contradicts itself is refused by name", async () => {
  await using server = await openFace();
  const x = { name: "x", datatype: "FP32", shape: [1] };
  const contents = { fp32_contents: [1] };
  const bytes = Buffer.alloc(4);
  const rows: readonly (readonly [object, string, RegExp])[] = [
    [{ inputs: [{ ...x, contents }], raw_input_contents: [bytes] }, "REQUEST_INVALID", /one of them/],
    [{ inputs: [x, x], raw_input_contents: [bytes] }, "REQUEST_INVALID", /2 inputs and 1 /],
    [{ inputs: [x], raw_input_contents: [Buffer.alloc(5)] }, "INPUT_SHAPE_MISMATCH", /takes 4 bytes/],
    [{ inputs: [x] }, "REQUEST_INVALID", /has no data/],
    [{ inputs: [{ ...x, shape: [-1] }], raw_input_contents: [bytes] }, "REQUEST_INVALID", /shape \[-1\]/],
    [{ inputs: [{ ...x, datatype: "BF16" }], raw_input_contents: [bytes] }, "DATATYPE_UNSUPPORTED", /BF16/],
    [{ inputs: [{ ...x, datatype: "FP16", contents }] }, "DATATYPE_UNSUPPORTED", /raw_input_contents only/],
    [
      { inputs: [{ ...x, datatype: "FP64", contents }] },
      "REQUEST_INVALID",
      /its fp64_contents; it has fp32_contents/,
    ],
    [
      { inputs: [{ ...x, datatype: "INT8", contents: { int_contents: [128] } }] },
      "REQUEST_INVALID",
      /128 at 0/,
    ],
    [
      { inputs: [{ ...x, datatype: "BOOL" }], raw_input_contents: [Buffer.from([2])] },
      "REQUEST_INVALID",
      /0 or 1/,
    ],
    [
      { inputs: [{ ...x, datatype: "BYTES" }], raw_input_contents: [Buffer.from([9, 0, 0, 0, 1])] },
      "INPUT_SHAPE_MISMATCH",
      /are not that/,
    ],
    [
      {
        inputs: [x],
        raw_input_contents: [bytes],
        outputs: [{ name: "y", parameters: { classification: { int64_param: 2 } } }],
      },
      "REQUEST_INVALID",
      /"classification" of "y"/,
    ],
  ];
  for (const [request, reason, message] of rows) {
    const error = await refusal(server.peer.call(infer, { model_name: "echo", ...request }));
    assert.deepEqual([error.status, error.reason], [3, reason], error.message);
    assert.match(error.message, message);
  }
  assert.equal(server.echo.requests.length, 0);
});

test("bytes that lie as the processor wants them are a view, others one copy", () => {
  const bytes = new Uint8Array(16);
  bytes[5] = 7;
  const x = { name: "x", shape: [1] };
  const aligned = readNumbers(bytes.subarray(4, 8), { ...x, datatype: "UINT32" });
  const shifted = readNumbers(bytes.subarray(5, 9), { ...x, datatype: "UINT32" });
  assert.deepEqual([aligned[0], shifted[0]], [7 * 256, 7]);
  assert.equal(aligned.buffer, bytes.buffer);
  assert.notEqual(shifted.buffer, bytes.buffer);
});
