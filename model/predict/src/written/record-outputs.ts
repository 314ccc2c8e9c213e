/**
 * What a model answers on a few images, kept: models that are compared need not be open together, and what
 * does not fit a bounded memory is not run.
 */
import { throwIfCancelled, type WorkOptions } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { type ModelSource, openSession, type TensorData, type ValueInfo } from "@cupel/runtime";
import {
  batches,
  type ImageBatch,
  type ImageSource,
  type Preprocessing,
  sample,
  tensorDims,
  type UnreadableImage,
} from "@cupel/vision";
import { imageInputOf, imagesPerRun, inputsOf } from "../input/image-input.ts";
import { runImages } from "../run/image-runs.ts";
import { defaultBatch } from "../run/predict-images.ts";

/** Enough that a share of them means something, few enough to take a moment. */
const mostImages = 64;
const mostImagesPerRun = 16;
/** Of the inputs that are held, and of the outputs that are kept of one model. */
const mostBytes = 128 * 2 ** 20;

export interface CheckImagesOptions extends Pick<WorkOptions, "signal"> {
  readonly images: ImageSource;
  readonly preprocessing: Preprocessing;
  /** Default 1. */
  readonly seed?: number | undefined;
  /** Fail on the first unreadable image. Default false. */
  readonly strict?: boolean | undefined;
  readonly onUnreadable?: ((unreadable: UnreadableImage) => void) | undefined;
}

/**
 * A sample of at most 64 images in runs of at most 16. Where the model leaves the number of images a run open,
 * the first run is the first image alone: it comes once more among the others.
 * @throws IMAGES_UNREADABLE, CANCELLED
 */
export async function checkRuns(
  model: Model,
  { images, preprocessing, seed = 1, strict, onUnreadable, signal }: CheckImagesOptions,
): Promise<ImageBatch[]> {
  const input = imageInputOf(inputsOf(model.graph));
  const dims = tensorDims(preprocessing, 1);
  const size = imagesPerRun(input, dims, Math.min(mostImagesPerRun, defaultBatch(preprocessing)));
  const runs: ImageBatch[] = [];
  const stream = batches(sample(images, images.length, seed), preprocessing, {
    batchSize: size,
    strict,
    onUnreadable,
    signal,
  });
  let [count, bytes] = [0, 0];
  for await (const batch of stream) {
    runs.push(batch);
    count += batch.indices.length;
    bytes += batch.data.byteLength;
    if (count >= mostImages || bytes >= mostBytes) break;
  }
  const isOpen = imagesPerRun(input, dims, size + 1) !== size;
  return isOpen && size > 1 ? [firstImageOf(runs[0]!), ...runs] : runs;
}

function firstImageOf({ indices, labels, sizes, data, dims }: ImageBatch): ImageBatch {
  const [count, ...image] = dims;
  return {
    indices: indices.slice(0, 1),
    labels: labels.slice(0, 1),
    sizes: sizes.slice(0, 1),
    data: data.slice(0, data.length / count),
    dims: [1, ...image],
  };
}

export interface RecordedOutputs {
  /** As the engine declares them. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** The outputs by name, of as many of the runs as memory allows: two at least. */
  readonly runs: readonly Readonly<Record<string, TensorData>>[];
}

export interface RecordOptions extends Pick<WorkOptions, "signal"> {
  readonly threads?: number | undefined;
  /** What the session is opened with. Default: `openSession` of @cupel/runtime. */
  readonly open?: typeof openSession | undefined;
  /** Called after each run. */
  readonly onRun?: (() => void) | undefined;
}

/** The session is closed before this returns. @throws what the session throws, INPUT_SHAPE_MISMATCH, CANCELLED */
export async function recordOutputs(
  source: ModelSource,
  runs: readonly ImageBatch[],
  { threads, open = openSession, signal, onRun }: RecordOptions = {},
): Promise<RecordedOutputs> {
  await using session = await open(source, { threads, signal });
  const { inputs, outputs } = session;
  const recorded: Record<string, TensorData>[] = [];
  let bytes = 0;
  for (const run of runs) {
    throwIfCancelled(signal, "Checking the model");
    // A run gives its data away.
    const tensors = await runImages(session, { ...run, data: run.data.slice() });
    recorded.push(tensors);
    onRun?.();
    for (const { data } of Object.values(tensors)) bytes += data.byteLength;
    if (bytes >= mostBytes && recorded.length >= 2) break;
  }
  return { inputs, outputs, runs: recorded };
}
