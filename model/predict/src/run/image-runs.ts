/**
 * How images are handed to a model: as many a run as it takes and memory allows. A model exported for a
 * fixed number of images gets its last run filled up with black ones, whose predictions are dropped.
 */
import type { InferenceSession, TensorData } from "@cupel/runtime";
import { runtimeErrors } from "@cupel/runtime";
import type { ImageBatch } from "@cupel/vision";
import { halvedFor, widened } from "./half-tensors.ts";

/** What is needed of a session that is fed images. */
export type ImageSession = Pick<InferenceSession, "inputs" | "outputs" | "run">;

export interface InputShape {
  readonly name: string;
  readonly dims: readonly (number | string | null)[];
  /** Default float32. */
  readonly type?: string | undefined;
}

/** @param wanted images a run where the model leaves it open. */
export function imagesPerRun({ dims }: InputShape, wanted: number): number {
  const [fixed] = dims;
  return typeof fixed === "number" && fixed > 0 ? fixed : Math.max(1, wanted);
}

/**
 * One run over a batch no larger than `imagesPerRun`; the batch's data is given away.
 * @returns tensors that begin with a dimension of the batch's own size; float16 ones in float32.
 */
export async function runImages(
  session: Pick<InferenceSession, "run">,
  input: InputShape,
  batch: ImageBatch,
  fetches?: readonly string[],
): Promise<Record<string, TensorData>> {
  checkDims(input, batch.dims);
  const [count, ...image] = batch.dims;
  const size = imagesPerRun(input, count);
  const feed = { type: "float32" as const, dims: [size, ...image], data: filled(batch, size) };
  const feeds = { [input.name]: halvedFor(input.type, feed) };
  const tensors = await session.run(feeds, { fetches, transfer: true });
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, widened(firstOf(tensor, size, count))]),
  );
}

function filled({ data, dims }: ImageBatch, size: number): Float32Array {
  if (dims[0] === size) return data;
  const all = new Float32Array((data.length / dims[0]) * size);
  all.set(data);
  return all;
}

function firstOf(tensor: TensorData, size: number, count: number): TensorData {
  const { dims, data } = tensor;
  if (dims[0] !== size || size === count) return tensor;
  return { ...tensor, dims: [count, ...dims.slice(1)], data: data.subarray(0, (data.length / size) * count) };
}

/**
 * Says which size differs before the engine would, in words about images.
 * @param dims of a batch of images, of any number.
 * @throws INPUT_SHAPE_MISMATCH
 */
export function checkDims(input: InputShape, dims: readonly number[]): void {
  const fits =
    input.dims.length === dims.length &&
    input.dims.every((want, axis) => axis === 0 || typeof want !== "number" || want === dims[axis]);
  if (fits) return;
  throw runtimeErrors.error(
    "INPUT_SHAPE_MISMATCH",
    `The model's input "${input.name}" takes [${input.dims.join(", ")}], but the preprocessing makes [${["N", ...dims.slice(1)].join(", ")}]. ` +
      "Set the size and colour of the preprocessing, or take a model for these.",
    { details: { input: input.name, expected: input.dims, given: dims } },
  );
}
