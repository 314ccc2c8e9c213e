/** Which files a model keeps weights in, against protobuf's own encoder. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "../src/gen/onnx_pb.ts";
import { externalLocations } from "../src/index.ts";

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
