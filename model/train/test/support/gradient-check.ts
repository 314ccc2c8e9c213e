/**
 * Central differences against a gradient rule, in the engine.
 *
 * All draws of an operator are independent parts of one model with the loss sum(weights * y), weights
 * random, so that one session and one perturbed run serve them together. An input moves along a random
 * vector d with h/2 <= |d_i| <= h, and the change of the loss, added up in float64 from the raw outputs y,
 * is compared with what the gradient g foretells:
 *
 *   error = |L(x + d) - L(x - d) - 2 g.d| / max(2 |g| |d| / sqrt(n), 2^13 eps |weights * y|)
 *
 * The first denominator is the size a random 2 g.d has, so this is the relative error of the gradient as a
 * vector: a wrong element of n shows with 1/sqrt(n) of its weight, in one direction or another of several.
 * The second is for gradients that cancel or vanish: the rounding of y to float32 (eps = 2^-24) then counts
 * as 2^-13, still far below what a wrong rule makes, h |weights|.
 */
import { createRandom, type Random } from "@cupel/base";
import { Emitter, encodeModelBytes, Model, Tensor, type Value } from "@cupel/onnx";
import { type Feeds, openSession, type TensorData } from "@cupel/runtime";
import { differentiate, gradientName } from "../../src/differentiate.ts";
import { type DrawnInput, differenceStep, type GradientCase } from "./gradient-case.ts";

export const drawsOfRow = 4;
const directionsOfInput = 6;
/**
 * Rounding and truncation come to about 2^-15 of the gradient where outputs and third derivatives are of its
 * size; sums that cancel and steep functions make that ten times as much. A wrong sign or axis is an error
 * near 1; a gradient that is wrong by a few parts in a thousand is still found.
 */
export const tolerance = 1e-3;

export interface GradientCheck {
  readonly row: GradientCase;
  /** The largest error over draws, inputs and directions. */
  readonly error: number;
  /** Where it was, for messages. */
  readonly where: string;
}

/**
 * Rows MUST be of one operator set. One model and one session serve all of them.
 * @throws what `differentiate` throws, and the engine's errors
 */
export async function checkGradients(rows: readonly GradientCase[]): Promise<readonly GradientCheck[]> {
  const model = new Model({ irVersion: 10, opsets: new Map([["", operatorSet(rows[0]!)]]) });
  const emit = new Emitter(model);
  const parts = rows.flatMap((row) =>
    Array.from({ length: drawsOfRow }, (_, draw) => addPart(emit, row, draw)),
  );
  const loss = parts.map((part) => part.loss).reduce((sum, next) => emit.add(sum, next));
  model.graph.outputs.push(loss);
  const wrt = parts.flatMap((part) => part.probed.map((input) => input.name));
  const trained = differentiate(model, { loss: loss.name, wrt });
  for (const part of parts) trained.graph.outputs.push(trained.graph.value(part.output)!);

  await using session = await openSession(encodeModelBytes(trained), { threads: 1 });
  const feeds = Object.fromEntries(
    parts.flatMap((part) => part.inputs.map((input) => [input.name, input.data])),
  );
  const gradients = await session.run(feeds, { fetches: wrt.map(gradientName) });
  const lossesAt = async (moved: Feeds): Promise<readonly Loss[]> => {
    const outputs = await session.run({ ...feeds, ...moved }, { fetches: parts.map((part) => part.output) });
    return parts.map((part) => lossOf(numbersOf(outputs[part.output]!), part.weights));
  };

  const random = createRandom(0);
  const errors: GradientCheck[] = [];
  const most = Math.max(...parts.map((part) => part.probed.length));
  for (let at = 0; at < most * directionsOfInput; at++) {
    const inputs = parts.map((part) => part.probed[Math.floor(at / directionsOfInput)]);
    const moves = inputs.map((input) => input && move(input, random));
    const above = await lossesAt(feedsOf(moves.map((found) => found?.above)));
    const below = await lossesAt(feedsOf(moves.map((found) => found?.below)));
    for (const [index, { row, draw }] of parts.entries()) {
      const input = inputs[index];
      if (!input) continue;
      const gradient = gradients[gradientName(input.name)]!;
      const where = `input ${input.index} [${input.data.dims}] of draw ${draw}`;
      errors.push(
        String(gradient.dims) === String(input.data.dims)
          ? { row, error: errorOf(gradient, moves[index]!.step, above[index]!, below[index]!), where }
          : { row, error: Infinity, where: `${where} has a gradient of shape [${gradient.dims}]` },
      );
    }
  }
  return rows.map((row) => errors.filter((found) => found.row === row).reduce(worse));
}

/** Of the model that a row is checked in. */
export const operatorSet = (row: GradientCase): number => row.opset ?? 20;

function errorOf(gradient: TensorData, step: Float64Array, above: Loss, below: Loss): number {
  const g = numbersOf(gradient);
  const expected = (norm(g) * norm(step)) / Math.sqrt(g.length);
  return Math.abs(above.loss - below.loss - dot(g, step)) / Math.max(expected, 2 ** -11 * above.size);
}

/** NaN is the worst. */
function worse(a: GradientCheck, b: GradientCheck): GradientCheck {
  return Number.isNaN(a.error) || a.error >= b.error ? a : b;
}

interface Part {
  readonly row: GradientCase;
  readonly draw: number;
  readonly inputs: readonly PartInput[];
  /** Those that are differentiated. */
  readonly probed: readonly PartInput[];
  /** Name of the raw output. */
  readonly output: string;
  readonly weights: Float32Array;
  readonly loss: Value;
}

interface PartInput {
  readonly name: string;
  /** Position among the operator's inputs. */
  readonly index: number;
  readonly data: TensorData & { readonly data: Float32Array };
}

function addPart(emit: Emitter, row: GradientCase, draw: number): Part {
  const random = createRandom(draw + 1);
  const { inputs: given, attributes, outputs, differentiated = 0 } = row.draw(random);
  const inputs: PartInput[] = [];
  const values = given.map((input, index) => {
    if (input === null) return null;
    if (input instanceof Tensor) return emit.model.graph.addConstant("given", input);
    const name = emit.model.graph.uniqueName(`input${index}`);
    inputs.push({
      name,
      index,
      data: { type: "float32", dims: input.dims, data: drawValues(input, random) },
    });
    return emit.input(name, "float32", input.dims);
  });
  const output = emit.node(row.opType, values, attributes, outputs)[differentiated]!;
  const dims = emit.dims(output);
  const weights = Float32Array.from({ length: size(dims) }, () => random.uniform() * 2 - 1);
  const float = emit.elementType(output) === "float32" ? output : emit.cast(output, "float32");
  const weighted = emit.mul(float, emit.model.graph.addConstant("weights", Tensor.float32(dims, weights)));
  const loss = emit.reduce("ReduceSum", weighted, [...dims.keys()], false);
  const probed = inputs.filter(({ index }) => {
    const input = given[index];
    return input && !(input instanceof Tensor) && input.differentiated !== false;
  });
  return { row, draw, inputs, probed, output: output.name, weights, loss };
}

function drawValues({ dims, low = -2, high = 2, avoid, distinct }: DrawnInput, random: Random): Float32Array {
  const count = size(dims);
  const between = (share: number): number => low + (high - low) * share;
  const order = distinct ? random.permutation(count) : null;
  const drawn = Array.from({ length: count }, (_, index) =>
    between(order ? (order[index]! + 0.5) / count : random.uniform()),
  );
  return Float32Array.from(avoid ? drawn.map(avoid) : drawn);
}

interface Move {
  readonly above: readonly [name: string, TensorData];
  readonly below: readonly [name: string, TensorData];
  /** above - below, exactly as float32 rounded them. */
  readonly step: Float64Array;
}

function move({ name, data }: PartInput, random: Random): Move {
  const above = data.data.slice();
  const below = data.data.slice();
  const step = new Float64Array(above.length);
  for (let index = 0; index < step.length; index++) {
    const along = random.uniform() * 2 - 1;
    const direction = Math.fround(((along + Math.sign(along)) / 2) * differenceStep);
    above[index]! += direction;
    below[index]! -= direction;
    step[index] = above[index]! - below[index]!;
  }
  return { above: [name, { ...data, data: above }], below: [name, { ...data, data: below }], step };
}

interface Loss {
  readonly loss: number;
  /** |weights * y|: what rounding is proportional to. */
  readonly size: number;
}

function lossOf(output: Float64Array, weights: Float32Array): Loss {
  return { loss: dot(output, weights), size: norm(output.map((y, index) => y * weights[index]!)) };
}

function feedsOf(moved: readonly (readonly [string, TensorData] | undefined)[]): Feeds {
  return Object.fromEntries(moved.filter((entry) => entry !== undefined));
}

function numbersOf({ data }: TensorData): Float64Array {
  return Float64Array.from(data, Number);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const norm = (a: ArrayLike<number>): number => Math.sqrt(dot(a, a));
const size = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);
