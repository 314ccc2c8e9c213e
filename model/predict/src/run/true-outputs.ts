/**
 * The shapes of a model's outputs, where the file declares them wrongly or not at all: exporters write what they
 * traced, and people edit it. What follows from the graph goes before what is declared; what does not follow is as a
 * first run gives it. Every task is recognised and read by these shapes.
 */
import { CupelError, elementCount, own } from "@cupel/base";
import {
  cloneModel,
  type Dimension,
  inferShapes,
  type Model,
  type Shape,
  tensorType,
  type Value,
} from "@cupel/onnx";
import type { openSession, ValueInfo } from "@cupel/runtime";
import { type Preprocessing, type TensorDims, tensorDims } from "@cupel/vision";
import { type InputInfo, imageFeed, imageInputOf, imagesPerRun } from "../input/image-input.ts";
import type { ImageSession } from "./image-runs.ts";

/** A sentence for each output that is not as the file declares it. */
type Sentences = readonly string[];

export interface TrueOutputs {
  readonly outputs: readonly ValueInfo[];
  readonly sentences: Sentences;
}

/**
 * The model is run only where the graph does not tell: once, and where its input leaves sizes open once more with
 * other sizes, which tells those of the output that follow.
 * @param model gets the types of its outputs: edited in place.
 * @throws INPUT_SHAPE_MISMATCH, and what a run throws
 */
export async function trueOutputs(
  session: ImageSession,
  model: Model,
  preprocessing: Preprocessing,
): Promise<TrueOutputs> {
  const sentences = await corrected(model, preprocessing, async () => session);
  const shapes = new Map(model.graph.outputs.map(({ name, shape }) => [name, shape]));
  const outputs = session.outputs.map((info) => {
    const shape = shapes.get(info.name) ?? null;
    const isAsSaid = shape === null || !(contradict(info.dims, shape) || tellsMore(shape, info.dims));
    return isAsSaid ? info : { ...info, dims: shape.map((size) => size ?? "") };
  });
  return { outputs, sentences };
}

/**
 * The same for a model that no session is open for.
 * @param open is called only where the model must be run. @throws what it throws, and `trueOutputs`
 */
export async function correctOutputs(
  model: Model,
  preprocessing: Preprocessing,
  open: () => ReturnType<typeof openSession>,
): Promise<Sentences> {
  await using opened = new AsyncDisposableStack();
  return await corrected(model, preprocessing, async () => opened.use(await open()));
}

async function corrected(
  model: Model,
  preprocessing: Preprocessing,
  opened: () => Promise<ImageSession>,
): Promise<Sentences> {
  const { outputs } = model.graph;
  const inferred = inferredShapes(model);
  const declared = outputs.map(({ shape }) => shape);
  const followValues = [...model.graph.nodes].some((node) => node.is(...withSizesOfValues));
  for (const output of outputs) {
    const shape = inferred.get(output.name) ?? null;
    if (shape !== null && contradict(output.shape, shape)) setShape(output, shape);
  }
  const doubtful = outputs.filter((output, i) => {
    const isReplaced = output.shape !== declared[i];
    return (
      !inferred.get(output.name) ||
      (isReplaced && output.shape?.includes(null)) ||
      (isUntold(output.shape) && !followValues)
    );
  });
  if (doubtful.length > 0) {
    const seen = await firstRuns(await opened(), preprocessing, doubtful);
    for (const output of doubtful) setShape(output, seenShape(output, seen));
  }
  return outputs.flatMap((output, i) =>
    contradict(declared[i]!, output.shape) ? [sentenceOf(output, declared[i]!)] : [],
  );
}

/** By name, as they follow from the graph when nothing is declared of the outputs. */
function inferredShapes(model: Model): ReadonlyMap<string, Shape> {
  const bare = cloneModel(model);
  for (const output of bare.graph.outputs) if (output.producer) output.type = null;
  inferShapes(bare);
  return new Map(bare.graph.outputs.map(({ name, shape }) => [name, shape]));
}

/** Another rank, or another number. A name and a number may both be right. */
function contradict(declared: Shape, shape: Shape): boolean {
  if (declared === null || shape === null) return shape !== null;
  const isOther = (size: Dimension, axis: number): boolean =>
    typeof size === "number" && typeof shape[axis] === "number" && size !== shape[axis];
  return declared.length !== shape.length || declared.some(isOther);
}

/** Sizes of what these give are those of one image alone: a list is as long as what was found. */
const withSizesOfValues = ["NonZero", "NonMaxSuppression", "Unique", "Compress"] as const;

/** No number behind the images: nothing says how many classes there are, or that there are any. */
function isUntold(shape: Shape): boolean {
  return shape !== null && shape.length > 1 && shape.slice(1).every((size) => typeof size !== "number");
}

function tellsMore(shape: readonly Dimension[], declared: ValueInfo["dims"]): boolean {
  return shape.some((size, axis) => typeof size === "number" && typeof declared[axis] !== "number");
}

function setShape(output: Value, shape: Shape): void {
  if (output.type?.kind === "tensor") output.type = tensorType(output.type.elementType, shape);
}

interface Seen {
  /** By name of the output, in the first run, of one image where that is free. */
  readonly first: ReadonlyMap<string, readonly number[]>;
  /** With other sizes where the input leaves some open; null where it leaves none, or takes no others. */
  readonly second: ReadonlyMap<string, readonly number[]> | null;
  /** Names of sizes that the input leaves open. */
  readonly open: ReadonlySet<unknown>;
  /** Images a run in each, and what the input calls their number; null where it is fixed. */
  readonly images: { readonly first: number; readonly second: number; readonly symbol: Dimension } | null;
}

/** No common multiple of the sizes that a network makes of one image. */
const imagesOfSecond = 3;

async function firstRuns(
  session: ImageSession,
  preprocessing: Preprocessing,
  outputs: readonly Value[],
): Promise<Seen> {
  const input = imageInputOf(session.inputs);
  const one = tensorDims(preprocessing, 1);
  const count = imagesPerRun(input, one, 1);
  const more = imagesPerRun(input, one, imagesOfSecond);
  const dims: TensorDims = [count, one[1], one[2], one[3]];
  const first = await shapesOfRun(session, input, dims, outputs);
  const larger: TensorDims = [more, ...doubledWhereOpen(input, dims)];
  const second =
    larger.join() === dims.join()
      ? null
      : await shapesOfRun(session, input, larger, outputs).catch(unlessRefused);
  const symbol = input.dims[0] ?? null;
  return {
    first,
    second,
    open: new Set(input.dims),
    images: more === count ? null : { first: count, second: more, symbol },
  };
}

/** A network need not take other sizes than those it is used with. */
function unlessRefused(thrown: unknown): null {
  if (thrown instanceof CupelError && thrown.code === "RUN_FAILED") return null;
  throw thrown;
}

/** The sizes behind the number of images. An input of another rank leaves none open. */
function doubledWhereOpen({ dims: declared }: InputInfo, [, ...sizes]: TensorDims): [number, number, number] {
  const [a, b, c] = sizes.map((size, i) => {
    const isOpen =
      declared.length === 4 && !(typeof declared[i + 1] === "number" && Number(declared[i + 1]) > 0);
    // An open number of channels is what the preprocessing makes.
    return isOpen && size > 4 ? 2 * size : size;
  });
  return [a!, b!, c!];
}

async function shapesOfRun(
  session: ImageSession,
  input: InputInfo,
  dims: TensorDims,
  outputs: readonly Value[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const data = new Float32Array(elementCount(dims));
  const fetches = outputs.map(({ name }) => name);
  const tensors = await session.run({ [input.name]: imageFeed(input, { data, dims }) }, { fetches });
  return new Map(fetches.map((name) => [name, own(tensors, name)!.dims]));
}

/** What is known already stays, but for what a run shows to be wrong. */
function seenShape({ name, shape }: Value, { first, second, open, images }: Seen): Shape {
  const sizes = first.get(name)!;
  const others = second?.get(name) ?? null;
  return sizes.map((size, axis) => {
    const known = shape?.length === sizes.length ? shape[axis]! : null;
    if ((typeof known === "string" && open.has(known)) || known === size) return known;
    if (others?.length !== sizes.length) return size;
    if (others[axis] === size) return size;
    return images && size === images.first && others[axis] === images.second ? images.symbol : null;
  });
}

function sentenceOf({ name, shape }: Value, declared: Shape): string {
  const text = (sizes: Shape) => `[${(sizes ?? []).map((size) => size ?? "?").join(", ")}]`;
  const said = declared === null ? "without a shape" : `as ${text(declared)}`;
  return `The file declares the output "${name}" ${said}; it has the shape ${text(shape)}, and is read as that.`;
}
