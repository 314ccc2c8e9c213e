/**
 * Central differences against a gradient rule, in the engine.
 *
 * All draws of a row are independent parts of one model with the loss sum(output * weights), weights random,
 * so that one session and one perturbed run serve them together. An input moves along a random vector d
 * with |d_i| <= h, and the change of the loss, added up in float64 from the raw outputs, is compared with
 * what the gradient g foretells:
 *
 *   error = |L(x + d) - L(x - d) - 2 g.d| / (2 |g| |d| / sqrt(n))
 *
 * The denominator is the size a random g.d has, so this is the relative error of the gradient as a vector:
 * a wrong element of n shows with 1/sqrt(n) of its weight, in one direction or another of several.
 */
import { createRandom, type Random } from "@cupel/base";
import { encodeModelBytes, Model, Tensor, type Value } from "@cupel/onnx";
import { type Feeds, openSession, type TensorData } from "@cupel/runtime";
import { differentiate, gradientName } from "../../src/differentiate.ts";
import { Emitter } from "../../src/emitter.ts";
import { type Application, type DrawnInput, differenceStep, type GradientCase } from "./gradient-case.ts";

export const drawsOfRow = 4;
const directionsOfInput = 6;
/**
 * Rounding and truncation come to about 2^-15 of the gradient where outputs and third derivatives are of its
 * size. Sums that cancel and steep functions make it up to thirty times as much; a wrong rule, a thousand.
 */
export const tolerance = 1e-3;

export interface GradientCheck {
  /** The largest error over draws, inputs and directions. */
  readonly error: number;
  /** Where it was, for messages. */
  readonly where: string;
}

/** @throws what `differentiate` throws, and the engine's errors */
export async function checkGradients(row: GradientCase, draws: number = drawsOfRow): Promise<GradientCheck> {
  const model = new Model({ irVersion: 10, opsets: new Map([["", row.opset ?? 20]]) });
  const emit = new Emitter(model);
  const parts = Array.from({ length: draws }, (_, draw) => addPart(emit, row, createRandom(draw + 1), draw));
  const loss = parts.map((part) => part.loss).reduce((sum, next) => emit.add(sum, next));
  model.graph.outputs.push(loss);
  const probes = parts.map((part) => part.inputs.filter((input) => input.differentiated));
  const wrt = probes.flatMap((inputs) => inputs.map((input) => input.name));
  const trained = differentiate(model, { loss: loss.name, wrt });
  for (const part of parts) trained.graph.outputs.push(trained.graph.value(part.output)!);

  await using session = await openSession(encodeModelBytes(trained), { threads: 1 });
  const feeds = Object.fromEntries(
    parts.flatMap((part) => part.inputs.map((input) => [input.name, input.data])),
  );
  const gradients = await session.run(feeds, { fetches: wrt.map(gradientName) });
  const fetches = parts.map((part) => part.output);
  const lossesAt = async (moved: Feeds): Promise<readonly number[]> => {
    const outputs = await session.run({ ...feeds, ...moved }, { fetches });
    return parts.map((part) => dot(numbersOf(outputs[part.output]!), part.weights));
  };

  const random = createRandom(0);
  let worst: GradientCheck = { error: 0, where: "nowhere" };
  const most = Math.max(...probes.map((inputs) => inputs.length));
  for (let at = 0; at < most * directionsOfInput; at++) {
    const probed = probes.map((inputs) => inputs[Math.floor(at / directionsOfInput)]);
    const moves = probed.map((input) => input && move(input, random));
    const above = await lossesAt(feedsOf(moves.map((found) => found?.above)));
    const below = await lossesAt(feedsOf(moves.map((found) => found?.below)));
    for (const [draw, part] of parts.entries()) {
      const input = probed[draw];
      const moved = moves[draw];
      if (!input || !moved) continue;
      const gradient = gradients[gradientName(input.name)]!;
      if (String(gradient.dims) !== String(input.data.dims)) {
        throw new Error(`${input.name} [${input.data.dims}] has a gradient of shape [${gradient.dims}]`);
      }
      const g = numbersOf(gradient);
      const foretold = dot(g, moved.step);
      // A gradient that is nothing but rounding, such as that of Floor, is compared with the weights instead.
      const size = Math.max(norm(g), 1e-3 * norm(part.weights));
      const error =
        Math.abs(above[draw]! - below[draw]! - foretold) / ((size * norm(moved.step)) / Math.sqrt(g.length));
      if (!(error <= worst.error)) {
        worst = { error, where: `input ${input.index} [${input.data.dims}] of draw ${draw}` };
      }
      if (Number.isNaN(error)) return worst;
    }
  }
  return worst;
}

interface Part {
  readonly inputs: readonly PartInput[];
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
  readonly differentiated: boolean;
}

function addPart(emit: Emitter, row: GradientCase, random: Random, draw: number): Part {
  const application = row.draw(random);
  const inputs: PartInput[] = [];
  const values = application.inputs.map((input, index) => {
    if (input === null) return null;
    if (input instanceof Tensor) return emit.model.graph.addConstant("given", input);
    const name = `draw${draw}.input${index}`;
    const data = { type: "float32", dims: input.dims, data: drawValues(input, random) } as const;
    inputs.push({ name, index, data, differentiated: input.differentiated ?? true });
    return emit.input(name, "float32", input.dims);
  });
  const output = outputOf(emit, row, application, values);
  const dims = emit.dims(output);
  const weights = Float32Array.from({ length: size(dims) }, () => random.uniform() * 2 - 1);
  const float = emit.elementType(output) === "float32" ? output : emit.cast(output, "float32");
  const weighted = emit.mul(float, emit.model.graph.addConstant("weights", Tensor.float32(dims, weights)));
  const loss = emit.reduce("ReduceSum", weighted, [...dims.keys()], false);
  return { inputs, output: output.name, weights, loss };
}

function outputOf(
  emit: Emitter,
  { opType }: GradientCase,
  { attributes, outputs, differentiated }: Application,
  inputs: readonly (Value | null)[],
): Value {
  return emit.node(opType, inputs, attributes, outputs)[differentiated ?? 0]!;
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
  const direction = data.data.map(() => (random.uniform() * 2 - 1) * differenceStep);
  const above = data.data.map((value, index) => value + direction[index]!);
  const below = data.data.map((value, index) => value - direction[index]!);
  const step = Float64Array.from(above, (value, index) => value - below[index]!);
  return { above: [name, { ...data, data: above }], below: [name, { ...data, data: below }], step };
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
