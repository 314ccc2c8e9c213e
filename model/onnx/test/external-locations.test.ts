/** Which files a model keeps weights in, and where its own lie, against protobuf's own encoder. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "../src/gen/onnx_pb.ts";
import { type ByteSource, externalLocations, tensorPlaces } from "../src/index.ts";

const tensor = (location: string) => ({
  dims: [1n],
  dataLocation: 1,
  externalData: [
    { key: "location", value: location },
    { key: "offset", value: "4096" },
  ],
});

test("weights in other files are found wherever a tensor may stand, each file once", () => {
  const body = { initializer: [tensor("body.bin")] };
  const bytes = toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 10n,
      graph: {
        initializer: [tensor("a.bin"), tensor("a.bin"), { dims: [2n], rawData: new Uint8Array(8) }],
        sparseInitializer: [{ values: tensor("sparse.bin") }],
        node: [
          {
            opType: "If",
            attribute: [
              { name: "value", t: tensor("constant.bin") },
              { name: "then_branch", g: body },
              { name: "numbers", ints: [-1n, 2n ** 62n], floats: [0.5] },
              { name: "text", s: Buffer.from("location") },
            ],
          },
        ],
        metadataProps: [{ key: "location", value: "no-tensor.bin" }],
      },
      functions: [{ node: [{ opType: "Constant", attribute: [{ t: tensor("function.bin") }] }] }],
    }),
  );
  assert.deepEqual([...externalLocations(bytes)].sort(), [
    "a.bin",
    "body.bin",
    "constant.bin",
    "function.bin",
    "sparse.bin",
  ]);
});

const sourceOf = (bytes: Uint8Array): ByteSource => ({
  length: bytes.length,
  byte: (at) => bytes[at]!,
  part: (start, length) => bytes.subarray(start, start + length),
});

test("the bytes of weights are found where the encoder put them, with name, type and shape", () => {
  const numbers = Float32Array.of(0.5, -2);
  const inner = { name: "inner", dataType: 3, dims: [2n, 3n], rawData: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  const bytes = toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      graph: {
        initializer: [
          { ...tensor("a.bin"), name: "outer", dataType: 1 },
          { floatData: [...numbers], dims: [2n] },
        ],
        node: [{ attribute: [{ g: { node: [{ attribute: [{ t: inner }] }] } }] }],
      },
    }),
  );
  const found = tensorPlaces(sourceOf(bytes)).map(({ data, external, ...facts }) => ({
    ...facts,
    content: data && [...bytes.subarray(data.start, data.start + data.length)],
    external: external && Object.fromEntries(external),
  }));
  const asBytes = [...new Uint8Array(numbers.buffer)];
  assert.deepEqual(found, [
    { name: "inner", type: 3, dims: [2, 3], content: [1, 2, 3, 4, 5, 6], external: null },
    { name: "outer", type: 1, dims: [1], content: null, external: { location: "a.bin", offset: "4096" } },
    { name: "", type: 1, dims: [2], content: asBytes, external: null },
  ]);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => tensorPlaces(sourceOf(bytes.subarray(0, length))), { code: "MODEL_NOT_PROTOBUF" });
  }
});

test("a model that is cut off, and what is no model, are refused", () => {
  const bytes = toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { graph: { initializer: [tensor("a")] } }),
  );
  for (let length = 1; length < bytes.length; length++) {
    assert.throws(() => externalLocations(bytes.subarray(0, length)), { code: "MODEL_NOT_PROTOBUF" });
  }
  assert.throws(() => externalLocations(Buffer.from("GIF89a")), { code: "MODEL_NOT_PROTOBUF" });
  assert.deepEqual(externalLocations(new Uint8Array()), []);
});

test("a million empty nodes are walked without keeping one", () => {
  const nodes = Buffer.alloc(2_000_000, Buffer.from([0x0a, 0]));
  const length = [
    0x80 | (nodes.length & 127),
    0x80 | ((nodes.length >> 7) & 127),
    0x80 | ((nodes.length >> 14) & 127),
    nodes.length >> 21,
  ];
  const before = process.memoryUsage().heapUsed;
  assert.deepEqual(externalLocations(Buffer.concat([Buffer.from([0x3a, ...length]), nodes])), []);
  assert.ok(process.memoryUsage().heapUsed - before < 2 ** 24);
});
