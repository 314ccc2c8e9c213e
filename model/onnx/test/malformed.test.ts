import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  encodeModelBytes,
  Model,
  newestIrVersion,
  newestOpset,
  readModel,
  readModelFile,
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
