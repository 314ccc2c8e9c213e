/** Runs models on the engine and compares what they give. */
import assert from "node:assert/strict";
import { createRandom } from "@cupel/base";
import { encodeModel, type Model } from "@cupel/onnx";
import { float32Of, openSession, type SessionOptions, type TensorData } from "@cupel/runtime";

/** Normal numbers for the input. */
export function feed(dims: readonly number[], seed = 7): TensorData {
  const random = createRandom(seed);
  const size = dims.reduce((product, dim) => product * dim, 1);
  return { type: "float32", dims, data: Float32Array.from({ length: size }, () => random.normal()) };
}

export async function run(
  model: Model,
  x: TensorData,
  options: SessionOptions = {},
): Promise<Record<string, TensorData>> {
  await using session = await openSession(encodeModel(model), { threads: 1, ...options });
  return await session.run({ [session.inputs[0]!.name]: x });
}

export async function outputs(
  model: Model,
  x: TensorData,
  options: SessionOptions = {},
): Promise<Float32Array[]> {
  return Object.values(await run(model, x, options)).map(float32Of);
}

export function largestDifference(a: Float32Array, b: Float32Array): number {
  return worstDifference(a, b).difference;
}

/** The largest difference, and the index where it is; a NaN is further apart than any number. */
function worstDifference(a: Float32Array, b: Float32Array): { difference: number; at: number } {
  assert.equal(a.length, b.length);
  let worst = { difference: 0, at: 0 };
  for (const [at, value] of a.entries()) {
    const difference = Math.abs(value - b[at]!);
    if (Number.isNaN(difference)) return { difference, at };
    if (difference > worst.difference) worst = { difference, at };
  }
  return worst;
}

/** Signal to noise in dB. */
export function sqnr(signal: Float32Array, other: Float32Array): number {
  let noise = 0;
  let power = 0;
  for (let i = 0; i < signal.length; i++) {
    power += signal[i]! ** 2;
    noise += (signal[i]! - other[i]!) ** 2;
  }
  return 10 * Math.log10(power / noise);
}

/** Both models compute the same function, up to rounding of float32. */
export async function assertSameFunction(before: Model, after: Model, x: TensorData): Promise<void> {
  const [a, b] = [await outputs(before, x), await outputs(after, x)];
  assert.equal(a.length, b.length);
  for (const [i, values] of a.entries()) {
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assert.ok(scale > 0, "the output says something");
    const { difference, at } = worstDifference(values, b[i]!);
    const bound = 1e-5 * Math.max(1, scale);
    assert.ok(
      difference < bound,
      `output ${i} differs at ${at}: ${values[at]} before, ${b[i]![at]} after, ${difference} apart, at most ${bound}`,
    );
  }
}

export function operators(model: Model): string[] {
  return [...model.graph.nodes].map((node) => node.opType);
}
