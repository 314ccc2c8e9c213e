import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { attributeType } from "../src/file/read.ts";
import { modelToProto } from "../src/file/to-proto.ts";
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  ValueInfoProtoSchema,
} from "../src/gen/onnx_pb.ts";
import {
  checkModel,
  encodeModelBytes,
  Model,
  newestIrVersion,
  newestOpset,
  readModel,
  readModelFile,
  removeDeadCode,
  runPasses,
  Tensor,
} from "../src/index.ts";
import { codeOf, modelOf, valueNamed } from "./support/build.ts";
import { fixture } from "./support/files.ts";
import { modelBytes } from "./support/random-model.ts";

test("a file cut off anywhere is told to be cut off, or no model at all", async () => {
  const whole = await readFile(fixture("control.onnx"));
  const accepted: number[] = [];
  for (let length = 0; length < whole.byteLength; length++) {
    const prefix = whole.subarray(0, length);
    const code = codeOf(() => readModel(prefix));
    if (code === "nothing thrown") accepted.push(length);
    else assert.match(code, /^MODEL_(TRUNCATED|NOT_PROTOBUF)$/, `${length} bytes`);
  }
  // Valid protobuf that lacks only optional fields at the end: each is a model that says the same.
  const { graph } = readModel(whole);
  for (const length of accepted) {
    assert.equal(readModel(whole.subarray(0, length)).graph.nodes.length, graph.nodes.length);
  }
  assert.ok(accepted.length <= 5, `${accepted.length} prefixes accepted`);
});

test("random garbage is no model", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.match(
        codeOf(() => readModel(bytes)),
        /^MODEL_(TRUNCATED|NOT_PROTOBUF)$/,
      );
    }),
    { numRuns: 2000 },
  );
});

test("a damaged byte gives one of the reader's errors or a model that can be written, never a crash", () => {
  fc.assert(
    fc.property(modelBytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, flip) => {
      const damaged = Uint8Array.from(bytes);
      damaged[at % damaged.length]! ^= flip;
      const code = codeOf(() => encodeModelBytes(readModel(damaged)));
      const known = /^(nothing thrown|MODEL_\w+|TENSOR_INVALID|EXTERNAL_DATA_MISSING)$/;
      assert.match(code, known);
    }),
    { numRuns: 1500 },
  );
});

test("other files are refused with a word on what to do", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "cupel-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "model.onnx");
  for (const content of [
    "",
    "PK\u0003\u0004 zip",
    "<html>not found</html>",
    "version https://git-lfs.github.com/spec/v1\n",
  ]) {
    await writeFile(path, content);
    await assert.rejects(readModelFile(path), { code: "MODEL_NOT_PROTOBUF" });
  }
  await assert.rejects(readModelFile(join(folder, "absent.onnx")), { code: "MODEL_NOT_FOUND" });
});

test("models of the newest versions are read, newer ones refused", () => {
  const at = (irVersion: number, opset: number) => {
    const model = new Model({ irVersion, opsets: new Map([["", opset]]) });
    return codeOf(() => readModel(encodeModelBytes(model)));
  };
  assert.deepEqual([newestIrVersion, newestOpset], [14, 28]);
  assert.equal(at(14, 28), "nothing thrown");
  assert.equal(at(15, 28), "MODEL_TOO_NEW");
  assert.equal(at(14, 29), "MODEL_TOO_NEW");
});

test("a tensor whose bytes do not fit its shape is refused by name", () => {
  const model = modelOf({ x: [1] });
  const weight = model.graph.addConstant("kernel", Tensor.float32([2], [1, 2]));
  model.graph.append({ opType: "Add", inputs: [valueNamed(model, "x"), weight] });
  const bytes = encodeModelBytes(model);
  // dims: field 1, varint 2 becomes 3.
  const at = Buffer.from(bytes).indexOf(Buffer.from([0x08, 0x02, 0x10, 0x01]));
  bytes[at + 1] = 3;
  assert.throws(() => readModel(bytes), { code: "TENSOR_INVALID", message: /kernel/ });
});

/** A graph of one If, whose branch holds the next, and so on. */
function nested(depth: number): Uint8Array {
  let inner = create(GraphProtoSchema, { name: "inmost" });
  for (let i = 0; i < depth; i++) {
    const branch = create(AttributeProtoSchema, { name: "then_branch", type: attributeType.graph, g: inner });
    const node = create(NodeProtoSchema, { opType: "If", output: [`y${i}`], attribute: [branch] });
    inner = create(GraphProtoSchema, { name: `${i}`, node: [node] });
  }
  const opsetImport = [create(OperatorSetIdProtoSchema, { version: 17n })];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, opsetImport, graph: inner }));
}

test("graphs in graphs are read as deep as the engine reads them, and deeper ones are refused as what they are", () => {
  assert.equal(
    codeOf(() => encodeModelBytes(readModel(nested(32)))),
    "nothing thrown",
  );
  for (const depth of [33, 100, 1000]) {
    assert.equal(
      codeOf(() => readModel(nested(depth))),
      "MODEL_INVALID",
      `${depth} deep`,
    );
  }
});

test("a name that a file gives twice is the file's fault, in a body as well", () => {
  const input = ["x", "x"].map((name) => create(ValueInfoProtoSchema, { name }));
  const body = create(GraphProtoSchema, { name: "body", input, output: input.slice(1) });
  const branch = create(AttributeProtoSchema, { name: "body", type: attributeType.graph, g: body });
  const node = create(NodeProtoSchema, {
    opType: "Loop",
    input: ["", "", "x"],
    output: ["y"],
    attribute: [branch],
  });
  const output = [create(ValueInfoProtoSchema, { name: "y" })];
  const opsetImport = [create(OperatorSetIdProtoSchema, { version: 17n })];
  for (const outer of [input, input.slice(1)]) {
    const graph = create(GraphProtoSchema, { name: "main", input: outer, node: [node], output });
    const bytes = toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, opsetImport, graph }));
    assert.equal(
      codeOf(() => checkModel(readModel(bytes))),
      "MODEL_INVALID",
    );
    assert.equal(
      codeOf(() => runPasses(readModel(bytes), [removeDeadCode])),
      "MODEL_INVALID",
    );
  }
});

test("entries of metadata and operator sets are each looked at a fixed number of times when they are written", () => {
  const count = 200;
  const model = new Model({ irVersion: newestIrVersion, opsets: new Map([["", newestOpset]]) });
  for (let i = 0; i < count; i++) {
    model.metadata.set(`key ${i}`, "value");
    model.opsets.set(`domain ${i}`, 1);
  }
  const read = readModel(encodeModelBytes(model));
  let looks = 0;
  const watch = <T extends object>(entry: T): T =>
    new Proxy(entry, {
      get(target, name) {
        if (name === "key" || name === "domain") looks++;
        return Reflect.get(target, name);
      },
    });
  const proto = read.proto!;
  proto.metadataProps = proto.metadataProps.map(watch);
  proto.opsetImport = proto.opsetImport.map(watch);
  modelToProto(read, () => "inside");
  assert.ok(looks >= 2 * count && looks <= 8 * count, `${looks} looks at ${2 * count} entries`);
});
