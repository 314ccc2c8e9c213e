/**
 * Which of a model's inputs takes the images, and in which form: its rank, its type and the images a run. Whoever
 * feeds images asks here; what a dimension means is decided in @cupel/vision (`fedAxes`).
 */
import type { Graph, Model } from "@cupel/onnx";
import { runtimeErrors, type TensorData } from "@cupel/runtime";
import { fedAxes, type ImageBatch, imageShapeOf, type TensorDims } from "@cupel/vision";
import { predictErrors } from "../errors.ts";
import { elementsOf } from "./element-types.ts";

/** An input as a graph or the engine declares it. */
export interface InputInfo {
  readonly name: string;
  readonly type: string;
  /** Anything but a positive number is open. */
  readonly dims: readonly (number | string | null)[];
}

/** What a graph is fed: constants that are inputs too, as they are before IR 4, are not. */
export function inputsOf({ inputs }: Pick<Graph, "inputs">): InputInfo[] {
  return inputs
    .filter((input) => !input.constant)
    .map(({ name, type, shape }) => ({
      name,
      type: type?.kind === "tensor" ? type.elementType : (type?.kind ?? "?"),
      dims: shape ?? [],
    }));
}

/**
 * What a model declares of the images it is fed, of rank 4: a batch that the input leaves out is of 1, and so are
 * channels. Of a model that takes no image, the shape of its first input; empty where there is none.
 */
export function imageDimsOf(model: Model | null): InputInfo["dims"] {
  const inputs = model === null ? [] : inputsOf(model.graph);
  const { dims } = likelyImageInput(inputs) ?? inputs[0] ?? { dims: [] };
  if (dims.length !== 3) return dims;
  const isGrey = imageShapeOf(dims)?.channels === 1 && dims[0] !== 1 && dims[2] !== 1;
  return isGrey ? [dims[0]!, 1, dims[1]!, dims[2]!] : [1, ...dims];
}

/** `"x" float32 [n, 3, 224, 224]`, of each. */
export function inputsText(inputs: readonly InputInfo[]): string {
  const listed = inputs.map(({ name, type, dims }) => `"${name}" ${type} [${dims.map(sizeText).join(", ")}]`);
  return listed.join(", ") || "no input";
}

const sizeText = (size: number | string | null): string =>
  size === null || size === "" ? "?" : String(size);

const hasImageRank = ({ dims }: InputInfo): boolean => dims.length === 3 || dims.length === 4;

/** The only input or, of several, the one that `imageInputOf` takes; null where none can be of images. */
export function likelyImageInput<Input extends InputInfo>(inputs: readonly Input[]): Input | null {
  const shaped = (rank: number) =>
    inputs.find(({ dims }) => dims.length === rank && imageShapeOf(dims) !== null);
  const found = inputs.length === 1 ? inputs[0] : (shaped(4) ?? shaped(3) ?? inputs.find(hasImageRank));
  return found && hasImageRank(found) ? found : null;
}

/**
 * The only input; of several the first whose shape is that of an image, one with a batch before one without.
 * @throws INPUT_UNSUPPORTED where no input can be one of images
 */
export function imageInputOf<Input extends InputInfo>(inputs: readonly Input[]): Input {
  const found = likelyImageInput(inputs);
  if (found) return found;
  throw predictErrors.error(
    "INPUT_UNSUPPORTED",
    `The model is fed ${inputsText(inputs)}: none is an image, which has rank 4 ([N, C, H, W] or [N, H, W, C]) or 3 (one of them without N, or grey without C).`,
    { details: { inputs: inputs.map(({ name }) => name) } },
  );
}

/**
 * @param dims of a batch, as the preprocessing makes it. @param wanted images a run where the model leaves it open.
 * @throws INPUT_SHAPE_MISMATCH
 */
export function imagesPerRun(input: InputInfo, dims: TensorDims, wanted: number): number {
  if (checkDims(input, dims)[0] !== 0) return 1;
  const [fixed] = input.dims;
  return typeof fixed === "number" && fixed > 0 ? fixed : Math.max(1, wanted);
}

/** The shape that the input is fed for a batch of these dimensions. @throws INPUT_SHAPE_MISMATCH */
export function fedDims(input: InputInfo, dims: TensorDims): number[] {
  return checkDims(input, dims).map((axis) => dims[axis]!);
}

/**
 * A batch as the input takes it: its type, its rank, and filled up with black to as many images as it is fixed to.
 * The batch's data is given away. @throws INPUT_SHAPE_MISMATCH, INPUT_UNSUPPORTED
 */
export function imageFeed(input: InputInfo, { data, dims }: Pick<ImageBatch, "data" | "dims">): TensorData {
  const [count, ...image] = dims;
  const size = imagesPerRun(input, dims, count);
  return {
    type: input.type as TensorData["type"],
    dims: fedDims(input, [size, ...image]),
    data: elementsOf(input.name, input.type, filled(data, count, size)),
  };
}

function filled(data: Float32Array<ArrayBuffer>, count: number, size: number): Float32Array<ArrayBuffer> {
  if (count === size) return data;
  const all = new Float32Array((data.length / count) * size);
  all.set(data);
  return all;
}

/**
 * Says which size differs before the engine would, in words about images.
 * @param dims of a batch of images, of any number.
 * @returns the axes of the batch that the input has
 * @throws INPUT_SHAPE_MISMATCH
 */
export function checkDims(input: InputInfo, dims: TensorDims): readonly number[] {
  const axes = fedAxes(input.dims, dims);
  if (axes !== null) return axes;
  throw runtimeErrors.error(
    "INPUT_SHAPE_MISMATCH",
    `The model's input "${input.name}" takes [${input.dims.map(sizeText).join(", ")}], but the preprocessing makes [${["N", ...dims.slice(1)].join(", ")}]. ` +
      "Set the size, colour and layout of the preprocessing, or take a model for these.",
    { details: { input: input.name, expected: input.dims, given: dims } },
  );
}

/**
 * What a person should know of the form that was found in the sizes; null where it is [N, C, H, W] or [N, H, W, C].
 * @throws INPUT_SHAPE_MISMATCH
 */
export function formSentence(input: InputInfo, dims: TensorDims): string | null {
  if (input.dims.length === 4) return null;
  const axes = checkDims(input, dims);
  const letters = dims[1] > 4 ? "NHWC" : "NCHW";
  const form = axes.map((axis) => letters[axis]).join(", ");
  const shape = `[${input.dims.map(sizeText).join(", ")}]`;
  return axes[0] === 0
    ? `The input "${input.name}" has the shape ${shape}: it is fed grey images without a dimension of channels, [${form}].`
    : `The input "${input.name}" has the shape ${shape}, without a batch: it is fed one image a run, [${form}].`;
}
