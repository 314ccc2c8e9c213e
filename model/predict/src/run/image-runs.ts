/**
 * How images are handed to a model: as many a run as it takes and memory allows. A model exported for a
 * fixed number of images gets its last run filled up with black ones, whose predictions are dropped.
 */
import { readFloat16 } from "@cupel/onnx";
import { type InferenceSession, joinTensors, type TensorData } from "@cupel/runtime";
import type { ImageBatch } from "@cupel/vision";
import { imageFeed, imageInputOf, imagesPerRun } from "../input/image-input.ts";
import type { OutputReader } from "../task/task.ts";

/** What is needed of a session that is fed images. */
export type ImageSession = Pick<InferenceSession, "inputs" | "outputs" | "run">;

/**
 * One run over a batch, or several where the model is fixed to fewer images; the batch's data is given away.
 * @returns tensors that begin with a dimension of the batch's own size; float16 ones in float32.
 * @throws INPUT_SHAPE_MISMATCH, INPUT_UNSUPPORTED, and what a run throws
 */
export async function runImages(
  session: Pick<InferenceSession, "inputs" | "run">,
  batch: ImageBatch,
  fetches?: readonly string[],
): Promise<Record<string, TensorData>> {
  const input = imageInputOf(session.inputs);
  const [count, ...image] = batch.dims;
  const size = imagesPerRun(input, batch.dims, count);
  if (size < count) {
    const each = batch.data.length / count;
    const parts: Record<string, TensorData>[] = [];
    for (let from = 0; from < count; from += size) {
      const taken = Math.min(size, count - from);
      const data = batch.data.slice(from * each, (from + taken) * each);
      parts.push(await runImages(session, { ...batch, data, dims: [taken, ...image] }, fetches));
    }
    return joined(parts);
  }
  const tensors = await session.run({ [input.name]: imageFeed(input, batch) }, { fetches, transfer: true });
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, widened(firstOf(tensor, size, count))]),
  );
}

/**
 * What a reader makes of a batch; image by image where it could not tell the outputs of several apart. The batch's data
 * is given away. @throws OUTPUT_UNSUPPORTED and what `runImages` throws
 */
export async function runBatch<Prediction>(
  session: Pick<InferenceSession, "inputs" | "run">,
  reader: OutputReader<Prediction>,
  { data, ...batch }: ImageBatch,
): Promise<readonly Prediction[]> {
  const [count, ...image] = batch.dims;
  if (count === 1 || reader.imagesPerRun !== 1) {
    const tensors = await runImages(session, { ...batch, data }, reader.fetches);
    return reader.read(tensors, batch);
  }
  const each = data.length / count;
  const predictions: Prediction[] = [];
  for (let i = 0; i < count; i++) {
    const one = {
      indices: batch.indices.slice(i, i + 1),
      labels: batch.labels.slice(i, i + 1),
      sizes: batch.sizes.slice(i, i + 1),
      dims: [1, ...image] as const,
      data: data.slice(i * each, (i + 1) * each),
    };
    predictions.push(...(await runBatch(session, reader, one)));
  }
  return predictions;
}

/** Of several runs, by name. */
function joined(parts: readonly Readonly<Record<string, TensorData>>[]): Record<string, TensorData> {
  return Object.fromEntries(
    Object.keys(parts[0]!).map((name) => [name, joinTensors(parts.map((part) => part[name]!))]),
  );
}

function firstOf(tensor: TensorData, size: number, count: number): TensorData {
  const { dims, data } = tensor;
  if (dims[0] !== size || size === count) return tensor;
  return { ...tensor, dims: [count, ...dims.slice(1)], data: data.subarray(0, (data.length / size) * count) };
}

/** The engine gives half precision as bit patterns, which nobody else should read. */
function widened(tensor: TensorData): TensorData {
  const { type, data } = tensor;
  return type === "float16" && data instanceof Uint16Array
    ? { ...tensor, type: "float32", data: readFloat16(data) }
    : tensor;
}
