/** What is planned of each node's memory against what the engine says that the node took. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createRandom, openTemporaryFolder } from "@cupel/base";
import { attribute, encodeModelBytes, Model, Tensor, tensorType, Value, writeModelFile } from "@cupel/onnx";
import { openSession, predictMemory, randomFeeds, readTrace } from "../src/index.ts";

/** Three blocks with a shortcut: sums that the engine fuses into a Conv, and one behind Sigmoid that it does not. */
function residual(size: number | string = 8): Model {
  const model = new Model({ irVersion: 8, opsets: new Map([["", 17]]) });
  const { graph } = model;
  const random = createRandom(3);
  let x = graph.add(new Value("x", tensorType("float32", ["N", 16, size, size])));
  graph.inputs.push(x);
  const op = (opType: string, ...inputs: Value[]) => graph.append({ opType, inputs }).output;
  const conv = (from: Value, name: string) => {
    const values = Array.from({ length: 16 * 16 * 9 }, () => random.normal() / 12);
    return graph.append({
      opType: "Conv",
      name,
      inputs: [from, graph.addConstant(`${name}.w`, Tensor.float32([16, 16, 3, 3], values))],
      attributes: { kernel_shape: attribute.ints([3, 3]), pads: attribute.ints([1, 1, 1, 1]) },
    }).output;
  };
  for (const block of ["a", "b", "c"]) {
    const inner = op("Relu", conv(x, `${block}.1`));
    const out = conv(inner, `${block}.2`);
    x = op("Relu", op("Add", x, block === "c" ? op("Sigmoid", out) : out));
  }
  const pooled = op("Flatten", op("GlobalAveragePool", x));
  pooled.type = tensorType("float32", ["N", 16]);
  graph.outputs.push(pooled);
  return model;
}

/** Bytes that each node of a first run took from the engine's arena. */
async function takenBy(source: Uint8Array): Promise<number[]> {
  await using folder = await openTemporaryFolder("trace");
  {
    await using session = await openSession(source, { threads: 1, profile: join(folder.path, "trace") });
    await session.run(randomFeeds(session.inputs, 1, { side: 8 }));
  }
  return (await readTrace(folder.path))
    .filter(({ name }) => name.endsWith("_kernel_time"))
    .toSorted((a, b) => a.ts - b.ts)
    .map(({ args }) => Number(args?.mem_requested_in_use_delta));
}

for (const [what, size] of [
  ["of known sizes, where memory is shared", 8],
  ["of open sizes, where the engine cannot tell that they are the same", "side"],
] as const) {
  test(`a model ${what}: each node takes what is planned`, async () => {
    const source = encodeModelBytes(residual(size));
    const inputs = { shapes: { x: [1, 16, 8, 8] } };
    const { activations } = await predictMemory(source, { inputs });
    const planned = activations.steps.map((_, at) =>
      activations.values.reduce((sum, value) => sum + (value.madeAt === at ? value.bytes : 0), 0),
    );
    assert.deepEqual(planned, await takenBy(source));
    assert.deepEqual(activations.unsized, []);
    const isShared = activations.values.some((value) => value.in !== null && value.in.how !== "alias");
    assert.equal(isShared, size === 8);
  });
}

test("weights count by where they lie; a memory pattern keeps activations twice; the batch counts", async () => {
  await using folder = await openTemporaryFolder("model");
  const { path } = await writeModelFile(residual(), join(folder.path, "m.onnx"), { externalData: {} });
  const inside = await predictMemory(encodeModelBytes(residual()));
  const outside = await predictMemory(path);
  const stored = 6 * 16 * 16 * 9 * 4;
  assert.deepEqual([inside.weights.stored, inside.weights.inside], [stored, stored]);
  assert.deepEqual([outside.weights.stored, outside.weights.inside], [stored, 0]);
  assert.equal(inside.loading - outside.loading, stored);
  const plain = await predictMemory(path, { memoryPattern: false, batch: 2 });
  assert.equal(plain.inputs, 2 * outside.inputs);
  const { peakBytes } = plain.activations;
  assert.equal(peakBytes, 2 * outside.activations.peakBytes);
  assert.equal(plain.running, plain.weights.folded + plain.inputs + peakBytes);
  assert.equal(outside.running, outside.weights.folded + outside.inputs + peakBytes);
});
