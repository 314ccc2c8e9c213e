import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModelBytes } from "@cupel/onnx";
import { engineVersion, openSession } from "@cupel/runtime";
import { failureOf } from "./errors-of.ts";
import { doubler, emptyModel, identity, input } from "./tiny-models.ts";

function tooNew(change: { irVersion?: number; opset?: number }): Uint8Array {
  const model = emptyModel();
  Object.assign(model, change);
  const x = input(model, "x", "float32", [1]);
  model.graph.outputs.push(model.graph.append({ opType: "Relu", inputs: [x], outputs: ["y"] }).output);
  return encodeModelBytes(model);
}

test("a file that is no model is an error with the engine's reason", async () => {
  const failure = await failureOf(openSession(Uint8Array.of(1, 2, 3, 4)));
  assert.equal(failure.code, "MODEL_LOAD_FAILED");
  assert.match(failure.message, /protobuf parsing failed/);
});

test("a missing file is not found", async () => {
  const failure = await failureOf(openSession("no-such-model.onnx"));
  assert.equal(failure.code, "MODEL_NOT_FOUND");
  assert.match(failure.message, /no-such-model\.onnx/);
});

test("an IR version beyond the engine names the limit", async () => {
  const failure = await failureOf(openSession(tooNew({ irVersion: 14 })));
  assert.equal(failure.code, "MODEL_UNSUPPORTED_BY_ENGINE");
  assert.match(failure.message, /IR version 14.*up to 13/);
});

test("an operator set beyond the engine names the limit", async () => {
  const failure = await failureOf(openSession(tooNew({ irVersion: 10, opset: 27 })));
  assert.equal(failure.code, "MODEL_UNSUPPORTED_BY_ENGINE");
  assert.match(failure.message, /opset 27.*up to 26/);
});

test("an element type that cannot reach JavaScript is refused with advice", async () => {
  const failure = await failureOf(openSession(identity("bfloat16")));
  assert.equal(failure.code, "MODEL_UNSUPPORTED_BY_ENGINE");
  assert.match(failure.message, /Cast/);
});

test("an operator the engine does not have is an error", async () => {
  const model = emptyModel();
  const x = input(model, "x", "float32", [1]);
  model.graph.outputs.push(model.graph.append({ opType: "Frobnicate", inputs: [x], outputs: ["y"] }).output);
  const failure = await failureOf(openSession(encodeModelBytes(model)));
  assert.equal(failure.code, "MODEL_UNSUPPORTED_BY_ENGINE");
  assert.match(failure.message, /Frobnicate/);
});

test("an unknown execution provider is refused, with what there is", async () => {
  const failure = await failureOf(openSession(doubler(), { executionProviders: ["abacus"] }));
  assert.equal(failure.code, "PROVIDER_UNAVAILABLE");
  assert.match(failure.message, /abacus cannot be used here.*"cpu" always works/);
});

test("CUDA is used where it is, and refused by name where it is not", async () => {
  const opening = openSession(doubler(), { executionProviders: ["cuda"] });
  const session = await opening.catch(() => null);
  if (session) return session.close();
  assert.equal((await failureOf(opening)).code, "PROVIDER_UNAVAILABLE");
});

test("the engine tells its version", () => {
  assert.match(engineVersion(), /^\d+\.\d+\.\d+/);
});
