/** What a model is fed beside images and what runs it, as the commands take it and say it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeModelBytes, tensorType, Value } from "@cupel/onnx";
import { classifier, classifierBytes, cupel, prepared, scratch } from "./harness.ts";

/** A safetensors file, written after the format's own description. */
function safetensors(name: string, shape: readonly number[], values: readonly number[]): Uint8Array {
  const entry = { dtype: "F32", shape, data_offsets: [0, 4 * values.length] };
  const header = Buffer.from(JSON.stringify({ [name]: entry }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.from(Float32Array.from(values).buffer)]);
}

/** `classifier`, its scores times another input. */
function scaled(): Uint8Array {
  const model = classifier();
  const { graph } = model;
  const factor = graph.add(new Value("factor", tensorType("float32", ["N", 1])));
  graph.inputs.push(factor);
  const type = tensorType("float32", ["N", 3]);
  graph.outputs[0] = graph.append({ opType: "Mul", inputs: [graph.outputs[0]!, factor], type }).output;
  return encodeModelBytes(model);
}

test("--inputs feeds what a model has beside the image; without it the inputs are named", async () => {
  await using folder = await scratch();
  const { images, model: plain } = await prepared(folder, { count: 3 });
  const model = await folder.write("two.onnx", scaled());
  const inputs = await folder.write("one.safetensors", safetensors("factor", [1, 1], [1]));
  const words = ["--images", images, "--preprocessing", "preset=tf", "--json"];
  const refused = await cupel("predict", model, ...words);
  assert.match(refused.out + refused.err, /INPUT_UNSUPPORTED/);
  assert.match(refused.out + refused.err, /nothing feeds \\?"factor\\?" float32 \[N, 1\].*--inputs FILE/);
  const told = await cupel("predict", model, ...words, "--inputs", inputs);
  assert.equal(told.status, 0, told.err);
  const reference = await cupel("predict", plain, ...words);
  assert.deepEqual(JSON.parse(told.out).predictions, JSON.parse(reference.out).predictions);
  const cut = await folder.write("cut.safetensors", safetensors("factor", [1, 2], [1]));
  assert.match(
    (await cupel("predict", model, ...words, "--inputs", cut)).out,
    /FILE_UNREADABLE.*needs 8 bytes/s,
  );
});

test("--providers of an engine that lacks them are refused where a model is run", async () => {
  await using folder = await scratch();
  const { images, model } = await prepared(folder, { count: 3 });
  for (const words of [
    ["bench-model", model],
    ["predict", model, "--images", images],
    ["eval", model, "--images", images],
  ]) {
    const told = await cupel(...words, "--providers", "qnn", "--preprocessing", "preset=tf");
    assert.match(told.err, /PROVIDER_UNAVAILABLE/, `${words}`);
  }
});

test("sizes that a model leaves open are those of the preprocessing for bench-model, and said", async () => {
  await using folder = await scratch();
  const open = await folder.write("open.onnx", classifierBytes({ inputShape: ["N", 1, "height", "width"] }));
  const words = ["bench-model", open, "--runs", "1", "--threads", "1"];
  const told = await cupel(...words, "--preprocessing", "crop=24x16");
  assert.equal(told.status, 0, told.err);
  assert.match(told.err, /measured at "image" \[1, 1, 16, 24\]/);
  assert.match((await cupel(...words)).err, /measured at "image" \[1, 1, 224, 224\]/);
});
