/** Everything that determines an answer is in the key, and nothing can be shifted from one part to another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inferenceKey, predictionKey } from "../../src/cache/request-key.ts";
import type { InferenceRequest } from "../../src/core/inference.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import type { PredictRequest } from "../../src/images/predict-request.ts";

const answering = { model: "m", version: "1", digest: "d" };
const hex = (key: Uint8Array) => Buffer.from(key).toString("hex");

function tensor(name: string, values: readonly number[], shape: readonly number[] = [values.length]): Tensor {
  return { name, datatype: "UINT8", shape, data: Uint8Array.from(values) };
}

function images(...parts: readonly (readonly number[])[]): Tensor {
  const data = parts.map((part) => Uint8Array.from(part));
  return { name: "x", datatype: "BYTES", shape: [data.length], data };
}

function allDiffer(keys: readonly Uint8Array[]): void {
  assert.equal(new Set(keys.map(hex)).size, keys.length);
  assert.ok(keys.every(({ byteLength }) => byteLength === 32));
}

test("requests that differ in anything that determines the answer have different keys", () => {
  const x = tensor("x", [1, 2]);
  const base: InferenceRequest = { model: "m", inputs: [x] };
  const requests: InferenceRequest[] = [
    base,
    { ...base, inputs: [tensor("z", [1, 2])] },
    { ...base, inputs: [tensor("x", [1, 3])] },
    { ...base, inputs: [tensor("x", [1, 2], [1, 2])] },
    { ...base, inputs: [tensor("x", [1, 2], [2, 1])] },
    { ...base, inputs: [{ name: "x", datatype: "INT8", shape: [2], data: Int8Array.of(1, 2) }] },
    { ...base, inputs: [{ name: "x", datatype: "BOOL", shape: [2], data: Uint8Array.of(1, 2) }] },
    { ...base, outputs: [] },
    { ...base, outputs: ["y", "z"] },
    { ...base, outputs: ["z", "y"] },
    { ...base, outputs: ["y,z"] },
    { ...base, parameters: { a: 1 } },
    { ...base, parameters: { a: 1n } },
    { ...base, parameters: { a: "1" } },
    { ...base, parameters: { a: true } },
    { ...base, parameters: { a: "true" } },
    // The same bytes, split otherwise.
    { ...base, inputs: [tensor("x", [1]), tensor("y", [2])] },
    { ...base, inputs: [tensor("x", [1, 2]), tensor("y", [])] },
    { ...base, inputs: [tensor("x", []), tensor("y", [1, 2])] },
    { ...base, inputs: [images([1], [2])] },
    { ...base, inputs: [images([1, 2], [])] },
    { ...base, inputs: [images([], [1, 2])] },
    { ...base, inputs: [images([1, 2])] },
  ];
  const keys = requests.map((request) => inferenceKey(request, answering));
  for (const other of [{ model: "n" }, { version: "2" }, { digest: "e" }, { version: "", digest: "1d" }]) {
    keys.push(inferenceKey(base, { ...answering, ...other }));
  }
  allDiffer(keys);
});

test("the id, the order of parameters and the version's name in the request do not matter", () => {
  const x = tensor("x", [1, 2]);
  const base: InferenceRequest = { model: "m", inputs: [x], parameters: { a: 1, b: 2 } };
  const same: InferenceRequest[] = [
    { ...base, id: "a" },
    { ...base, version: "1" },
    { ...base, parameters: { b: 2, a: 1 } },
    {
      ...base,
      inputs: [{ name: "x", datatype: "UINT8", shape: [2], data: Uint8Array.of(9, 1, 2).subarray(1) }],
    },
  ];
  for (const request of same) {
    assert.equal(hex(inferenceKey(request, answering)), hex(inferenceKey(base, answering)));
  }
});

test("questions about images differ in their pictures, their sizes and what is wanted of them", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const encoded = (...values: number[]) => ({ kind: "encoded", bytes: Uint8Array.from(values) }) as const;
  const base: PredictRequest = { model: "m", images: [encoded(1, 2)] };
  const requests: PredictRequest[] = [
    base,
    { ...base, images: [encoded(1), encoded(2)] },
    { ...base, images: [encoded(1, 2), encoded()] },
    { ...base, images: [{ kind: "rgb", bytes, width: 2, height: 1 }] },
    { ...base, images: [{ kind: "rgb", bytes, width: 1, height: 2 }] },
    { ...base, images: [{ kind: "nv12", bytes, width: 2, height: 2 }] },
    { ...base, images: [{ kind: "i420", bytes, width: 2, height: 2 }] },
    { ...base, top: 1 },
    { ...base, top: 2 },
    { ...base, threshold: 1 },
    { ...base, windows: true },
    { ...base, draw: true },
  ];
  allDiffer(requests.map((request) => predictionKey(request, answering)));
  assert.equal(
    hex(predictionKey({ ...base, windows: false, id: "a" }, answering)),
    hex(predictionKey(base, answering)),
  );
});
