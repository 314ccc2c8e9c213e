/**
 * All that a model is fed beside the pixels: which input takes the images, what the others get, and the sizes at which
 * it is measured where it leaves them open.
 */
import { elementCount, own } from "@cupel/base";
import { cloneModel, inferShapes, type Model } from "@cupel/onnx";
import {
  besideFeeds,
  type Feeds,
  type InferenceSession,
  type InputForms,
  openSession,
  runtimeErrors,
  sessionsWithFeeds,
  type TensorData,
} from "@cupel/runtime";
import { type Preprocessing, tensorDims } from "@cupel/vision";
import { predictErrors } from "../errors.ts";
import { assertHolds, elementsOf } from "./element-types.ts";
import { fedDims, formSentence, type InputInfo, imageInputOf, inputsOf, inputsText } from "./image-input.ts";

export interface ModelInputs {
  /** The input that takes the images. */
  readonly image: InputInfo;
  /** For whatever measures the model with random images: those of the preprocessing's size, the other inputs as they are fed. */
  readonly forms: InputForms;
  /** What a person should know of how the model is fed. */
  readonly sentences: readonly string[];
  /** Sessions that take the images alone; `open` itself where there is nothing else to feed. Default: `openSession`. */
  opener(open?: typeof openSession): typeof openSession;
  /** The same of a session that is open. */
  feeding(session: Pick<InferenceSession, "inputs" | "run">): Pick<InferenceSession, "inputs" | "run">;
}

/**
 * @param given tensors for inputs beside the image, by name: of one image, or of any.
 * @throws INPUT_UNSUPPORTED where no input takes images, its type does not hold what the preprocessing makes, or
 * another input has no tensor; INPUT_SHAPE_MISMATCH, INPUT_UNKNOWN, TENSOR_TYPE_MISMATCH
 */
export function modelInputs(model: Model, preprocessing: Preprocessing, given: Feeds = {}): ModelInputs {
  const inputs = inputsOf(model.graph);
  const image = imageInputOf(inputs);
  const dims = tensorDims(preprocessing, 1);
  const shape = fedDims(image, dims);
  assertHolds(image.name, image.type, preprocessing);
  const others = inputs.filter((input) => input !== image);
  assertKnown(given, image, others);
  const usual = others
    .filter(({ name }) => !Object.hasOwn(given, name))
    .map((input) => usualFeed(input, preprocessing));
  const missing = usual.filter((each) => each.tensor === null).map(({ input }) => input);
  if (missing.length > 0) throw notFed(image, others, missing);
  const tensors: Feeds = {
    ...given,
    ...Object.fromEntries(usual.map(({ input, tensor }) => [input.name, tensor!])),
  };
  const form = formSentence(image, dims);
  return {
    image,
    forms: { shapes: { [image.name]: shape }, tensors },
    sentences: [
      ...(form === null ? [] : [form]),
      ...(preprocessing.colour === "rgba" ? [opaqueSentence(image)] : []),
      ...usual.map(({ input, tensor }) => usualSentence(input, tensor!)),
    ],
    opener: (open = openSession) => (others.length === 0 ? open : sessionsWithFeeds(tensors, open)),
    feeding: (session) => (others.length === 0 ? session : besideFeeds(session, tensors)),
  };
}

/** How sizes that the model leaves open are chosen for a measurement, as a sentence; null where it leaves none open. */
export function measuredSentence({ image, forms }: Pick<ModelInputs, "image" | "forms">): string | null {
  const shape = own(forms.shapes ?? {}, image.name) ?? [];
  const isOpen = image.dims.some((dim, axis) => axis > 0 && !(typeof dim === "number" && dim > 0));
  if (!isOpen) return null;
  return `The model leaves the size of its images open: it is measured at [${shape.join(", ")}], as the preprocessing makes them.`;
}

/** A copy with the shapes that values have for images of the preprocessing's size; the number of images stays open. */
export function atImageSize(model: Model, preprocessing: Preprocessing): Model {
  const sized = cloneModel(model);
  const image = imageInputOf(inputsOf(model.graph));
  const fed = fedDims(image, tensorDims(preprocessing, 1));
  const shape = image.dims.map((dim, axis) =>
    typeof dim === "number" ? dim : axis === 0 ? dim : fed[axis]!,
  );
  inferShapes(sized, { inputShapes: { [image.name]: shape } });
  return sized;
}

/** @throws INPUT_UNKNOWN, INPUT_SHAPE_MISMATCH, TENSOR_TYPE_MISMATCH */
function assertKnown(given: Feeds, image: InputInfo, others: readonly InputInfo[]): void {
  for (const [name, { type, dims }] of Object.entries(given)) {
    const input = others.find((each) => each.name === name);
    if (!input) {
      const is = name === image.name ? "takes the images" : "is no input of the model";
      throw runtimeErrors.error(
        "INPUT_UNKNOWN",
        `A tensor "${name}" is given, which ${is}. Beside the images it is fed ${inputsText(others)}.`,
        { details: { name } },
      );
    }
    if (type !== input.type) {
      throw runtimeErrors.error(
        "TENSOR_TYPE_MISMATCH",
        `The tensor "${name}" is ${type}, but the input takes ${input.type}: save it as that type.`,
        { details: { name, expected: input.type, given: type } },
      );
    }
    const fits =
      dims.length === input.dims.length &&
      input.dims.every((dim, axis) => typeof dim !== "number" || dim <= 0 || dim === dims[axis]);
    if (fits) continue;
    throw runtimeErrors.error(
      "INPUT_SHAPE_MISMATCH",
      `The tensor "${name}" has the shape [${dims.join(", ")}], but the model takes ${inputsText([input])}.`,
      { details: { name, expected: input.dims, given: dims } },
    );
  }
}

function notFed(image: InputInfo, others: readonly InputInfo[], missing: readonly InputInfo[]) {
  const names = missing.map(({ name }) => `"${name}"`).join(", ");
  return predictErrors.error(
    "INPUT_UNSUPPORTED",
    `The model has ${others.length + 1} inputs: the images feed ${inputsText([image])}, and nothing feeds ${inputsText(missing)}. ` +
      `Give ${names} in a safetensors file, of one image each: --inputs FILE.`,
    { details: { inputs: missing.map(({ name }) => name) } },
  );
}

/** Inputs that exporters add to an image, and what they get for one that is fed as it is. */
const usualInputs: Readonly<Record<string, (preprocessing: Preprocessing) => readonly number[]>> = {
  /** PaddlePaddle's detectors: height and width of the tensor. */
  im_shape: ({ width, height }) => [height, width],
  /** The same: by how much the image was resized. Positions are then those in the tensor. */
  scale_factor: () => [1],
};

interface UsualFeed {
  readonly input: InputInfo;
  readonly tensor: TensorData | null;
}

function usualFeed(input: InputInfo, preprocessing: Preprocessing): UsualFeed {
  const { name, type, dims } = input;
  if (!Object.hasOwn(usualInputs, name) || !type.startsWith("float")) return { input, tensor: null };
  const values = own(usualInputs, name)!(preprocessing);
  const shape = dims.map((dim) => (typeof dim === "number" && dim > 0 ? dim : 1));
  const all = Float32Array.from({ length: elementCount(shape) }, (_, i) => values[i % values.length]!);
  return {
    input,
    tensor: { type: type as TensorData["type"], dims: shape, data: elementsOf(name, type, all) },
  };
}

function usualSentence(input: InputInfo, { data }: TensorData): string {
  return `Nothing is given for the input ${inputsText([input])}: it is fed ${[...data].slice(0, 4).join(", ")}, as is usual for this name. Another value can be given with --inputs.`;
}

function opaqueSentence({ name }: InputInfo): string {
  return `The input "${name}" has four channels, taken for RGBA: images are opaque, so that the fourth is that of 255 throughout; transparency is flattened on white.`;
}
