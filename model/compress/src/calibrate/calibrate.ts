/**
 * Streams images through the float model and watches every activation that will be rounded. Memory is
 * one batch of activations plus a histogram each, however many images there are.
 *
 * It stops by itself when `patience` batches in a row moved no range by more than `tolerance`.
 */
import { createTurns, silentProgress, throwIfCancelled, type WorkOptions } from "@cupel/base";
import { encodeModel, type Model, type Value } from "@cupel/onnx";
import { imagesPerRun, runImages } from "@cupel/predict";
import { float32Of, type InferenceSession, openSession, type TensorData } from "@cupel/runtime";
import {
  batches,
  type ImageBatch,
  type ImageSource,
  type Preprocessing,
  type UnreadableImage,
} from "@cupel/vision";
import { compressErrors } from "../errors.ts";
import { ChannelMoments } from "./channel-moments.ts";
import { Histogram } from "./histogram.ts";
import {
  type Observation,
  type Range,
  type RangeMethod,
  type RangeOptions,
  rangeMethods,
} from "./range-method.ts";

export interface CalibrationOptions extends RangeOptions, WorkOptions {
  readonly images: ImageSource;
  readonly preprocessing: Preprocessing;
  readonly method: RangeMethod;
  /** Images between two looks at whether the ranges still move. */
  readonly batchSize: number;
  /** Batches in a row that must leave every range in place. */
  readonly patience: number;
  /** Largest move of a range, relative to its width, that counts as staying. */
  readonly tolerance: number;
  readonly threads: number;
  readonly strict?: boolean | undefined;
  readonly onUnreadable?: ((unreadable: UnreadableImage) => void) | undefined;
  readonly open?: typeof openSession | undefined;
}

export interface Calibration {
  readonly ranges: ReadonlyMap<string, Range>;
  /** Moments by channel of each watched value that has channels. */
  readonly moments: ReadonlyMap<string, ChannelMoments>;
  readonly images: number;
  readonly batches: number;
  readonly stoppedEarly: boolean;
}

class Watcher implements Observation {
  readonly histogram = new Histogram();
  moments: ChannelMoments | null = null;
  movingRange: Range = [0, 0];
  range: Range = [0, 0];
  #batches = 0;

  watch(tensor: TensorData): void {
    const values = float32Of(tensor);
    this.histogram.add(values);
    const channels = tensor.dims.length >= 2 ? tensor.dims[1]! : 0;
    if (channels > 0) {
      this.moments ??= new ChannelMoments(channels);
      this.moments.add(values, tensor.dims[0]!);
    }
    this.#average(values);
  }

  /** Works the range out anew. @returns how far it moved, relative to its width. */
  settle(options: CalibrationOptions): number {
    const [oldLow, oldHigh] = this.range;
    this.range = rangeMethods[options.method](this, options);
    const [low, high] = this.range;
    return high === low ? 0 : Math.max(Math.abs(low - oldLow), Math.abs(high - oldHigh)) / (high - low);
  }

  #average(values: Float32Array): void {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < values.length; i++) {
      const x = values[i]!;
      if (x < low) low = x;
      if (x > high) high = x;
    }
    // The first batches count fully, so that the average does not start at zero.
    const weight = Math.max(0.1, 1 / ++this.#batches);
    const [oldLow, oldHigh] = this.movingRange;
    this.movingRange = [oldLow + weight * (low - oldLow), oldHigh + weight * (high - oldHigh)];
  }
}

/** Activations of one run are kept under this many bytes; a run is at least one image. */
const bytesPerRun = 16 * 2 ** 20;

/**
 * @param values activations of `model`, with shapes inferred.
 * @throws CALIBRATION_FAILED, INPUT_SHAPE_MISMATCH, IMAGES_UNREADABLE, CANCELLED, and what sessions throw
 */
export async function calibrate(
  model: Model,
  values: readonly Value[],
  options: CalibrationOptions,
): Promise<Calibration> {
  const { images, signal, open = openSession } = options;
  const input = model.graph.inputs[0]!;
  const shape = { name: input.name, dims: input.shape ?? [] };
  const watchers = new Map(values.map((value) => [value.name, new Watcher()]));
  const taps = values
    .filter((value) => value !== input && !model.graph.isOutput(value))
    .map((value) => value.name);
  await using session = await open(encodeModel(model), { taps, threads: options.threads, signal });
  using task = (options.progress ?? silentProgress).start("Calibrating", images.length, "images");
  const perRun = imagesPerRun(
    shape,
    Math.min(options.batchSize, Math.floor(bytesPerRun / bytesOfImage(values))),
  );

  let seen = 0;
  let looks = 0;
  let still = 0;
  const turn = createTurns();
  const watch = async ({ tensors, count }: RunResult): Promise<void> => {
    for (const [name, watcher] of watchers) {
      await turn();
      throwIfCancelled(signal, "Calibration");
      watcher.watch(tensors[name]!);
    }
    for (const tensor of Object.values(tensors)) release(tensor);
    seen += count;
    task.advance(count);
    if (seen < (looks + 1) * options.batchSize && seen < images.length) return;
    looks++;
    let moved = 0;
    for (const watcher of watchers.values()) {
      await turn();
      moved = Math.max(moved, watcher.settle(options));
    }
    still = moved < options.tolerance ? still + 1 : 0;
  };
  // While the engine works on one run, the results of the one before are watched.
  let pending: Promise<RunResult> | null = null;
  const stream = batches(images, options.preprocessing, {
    batchSize: perRun,
    strict: options.strict,
    onUnreadable: options.onUnreadable,
    signal,
  });
  for await (const batch of stream) {
    throwIfCancelled(signal, "Calibration");
    const next = run(session, shape, batch);
    next.catch(() => {}); // Reported when awaited; until then it must not count as unhandled.
    if (pending) await watch(await pending);
    pending = next;
    if (still >= options.patience) break;
  }
  if (pending) await watch(await pending);
  checkFinite(watchers);
  for (const watcher of watchers.values()) watcher.settle(options);
  return {
    ranges: new Map([...watchers].map(([name, watcher]) => [name, watcher.range])),
    moments: new Map([...watchers].flatMap(([name, { moments }]) => (moments ? [[name, moments]] : []))),
    images: seen,
    batches: looks,
    stoppedEarly: still >= options.patience,
  };
}

function bytesOfImage(values: readonly Value[]): number {
  const elements = values.map((value) =>
    (value.shape ?? [])
      .slice(1)
      .reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : 1), 1),
  );
  return 4 * elements.reduce((sum, count) => sum + count, 0);
}

interface RunResult {
  readonly tensors: Readonly<Record<string, TensorData>>;
  readonly count: number;
}

async function run(
  session: InferenceSession,
  input: Parameters<typeof runImages>[1],
  batch: ImageBatch,
): Promise<RunResult> {
  // A copy, since the run takes the batch's own.
  const feed: TensorData = { type: "float32", dims: batch.dims, data: batch.data.slice() };
  const tensors = await runImages(session, input, batch);
  return { tensors: { ...tensors, [input.name]: feed }, count: batch.dims[0] };
}

/** Gives the memory back now: garbage collection lets many runs' worth pile up before it does. */
function release({ data }: TensorData): void {
  if (data.buffer instanceof ArrayBuffer) data.buffer.transfer(0);
}

function checkFinite(watchers: ReadonlyMap<string, Watcher>): void {
  for (const [name, { histogram }] of watchers) {
    if (histogram.notFinite > 0) {
      throw compressErrors.error(
        "CALIBRATION_FAILED",
        `The activation "${name}" was NaN or infinite ${histogram.notFinite} times. ` +
          "Check the preprocessing (cupel inspect shows it) and that the images are of the kind the model was trained on.",
        { details: { value: name } },
      );
    }
  }
}
