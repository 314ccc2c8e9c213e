/** The service without a face: tensors in, tensors out, and what is refused. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { anonymous, type Call, createInferenceService } from "@cupel/serve";
import { openRepository } from "../src/repository/open-repository.ts";
import { brightness, scaler } from "./support/tiny-models.ts";

const call = (): Call => ({
  face: "rest",
  principal: anonymous,
  signal: new AbortController().signal,
  address: "",
  times: {},
});

test("tensors go in by name and come out by name, of the version that is current", async () => {
  await using folder = await openTemporaryFolder("serve");
  await writeFile(join(folder.path, "scaler.onnx"), scaler(3));
  await writeFile(join(folder.path, "brightness.onnx"), brightness());
  await using repository = await openRepository(folder.path, { trial: "none" });
  const metadata = { name: "cupel", version: "0", extensions: [] };
  const service = createInferenceService({ repository, metadata });
  const x = { name: "x", datatype: "FP32", shape: [1, 3], data: Float32Array.of(1, 2, 3) } as const;
  const response = await service.infer({ model: "scaler", id: "a", inputs: [x] }, call());
  const digest = hash("sha256", scaler(3), "hex");
  assert.deepEqual(response, {
    model: "scaler",
    version: "1",
    digest,
    id: "a",
    outputs: [{ name: "y", datatype: "FP32", shape: [1, 3], data: Float32Array.of(3, 6, 9) }],
  });
  await assert.rejects(service.infer({ model: "scaler", inputs: [x, x] }, call()), {
    code: "REQUEST_INVALID",
  });
  await assert.rejects(service.infer({ model: "none", inputs: [x] }, call()), { code: "MODEL_UNKNOWN" });
  const short = { ...x, data: Float32Array.of(1) };
  await assert.rejects(service.infer({ model: "scaler", inputs: [short] }, call()), {
    code: "INPUT_SHAPE_MISMATCH",
  });
});
