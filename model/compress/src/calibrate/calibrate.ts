/**
 * Streams pictures through the float model and watches every activation that will be rounded. Memory is
 * one batch of activations plus a histogram each, however many pictures there are.
 *
 * It stops by itself when `patience` batches in a row moved no range by more than `tolerance`.
 */
import { type Progress, silentProgress, throwIfCancelled } from "@cupel/base";
import { encodeModel, type Model, type Value } from "@cupel/onnx";
import { float32Of, openSession, type Session, type TensorData } from "@cupel/runtime";
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

/** Pictures ready for the model: [N, ...] with N at most the batch size. */
export interface PictureBatch {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

export interface CalibrationOptions extends RangeOptions {
  readonly method: RangeMethod;
  /** Batches in a row that must leave every range in place. Default 5. */
  readonly patience: number;
  /** Largest move of a range, relative to its width, that counts as staying. Default 0.003. */
  readonly tolerance: number;
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

export interface Calibration {
  readonly ranges: ReadonlyMap<string, Range>;
  /** Moments by channel of each watched value that has channels. */
  readonly moments: ReadonlyMap<string, ChannelMoments>;
  readonly pictures: number;
  readonly batches: number;
  readonly stoppedEarly: boolean;
}

class Watcher implements Observation {
  readonly histogram = new Histogram();
  moments: ChannelMoments | null = null;
  movingRange: Range = [0, 0];
  range: Range = [0, 0];
  #batches = 0;

  /** @returns how far the range moved, relative to its width. */
  watch(tensor: TensorData, options: CalibrationOptions): number {
    const values = float32Of(tensor);
    this.histogram.add(values);
    const channels = tensor.dims.length >= 2 ? tensor.dims[1]! : 0;
    if (channels > 0) {
      this.moments ??= new ChannelMoments(channels);
      this.moments.add(values, tensor.dims[0]!);
    }
    this.#average(values);
    const before = this.range;
    this.range = rangeMethods[options.method](this, options);
    const width = this.range[1] - this.range[0];
    return width === 0
      ? 0
      : Math.max(Math.abs(this.range[0] - before[0]), Math.abs(this.range[1] - before[1])) / width;
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

/** @throws CALIBRATION_FAILED, CANCELLED, and what the session throws */
export async function calibrate(
  model: Model,
  values: readonly Value[],
  batches: AsyncIterable<PictureBatch>,
  options: CalibrationOptions,
): Promise<Calibration> {
  const input = model.graph.inputs[0]!.name;
  const watchers = new Map(values.map((value) => [value.name, new Watcher()]));
  const taps = values.map((value) => value.name).filter((name) => name !== input && !isOutput(model, name));
  await using session = await openSession(encodeModel(model), {
    taps,
    threads: options.threads,
    signal: options.signal,
  });
  using task = (options.progress ?? silentProgress).start("Calibrating", undefined, "pictures");

  let pictures = 0;
  let batchCount = 0;
  let still = 0;
  const watch = (seen: Seen): void => {
    let moved = 0;
    for (const [name, watcher] of watchers)
      moved = Math.max(moved, watcher.watch(seen.tensors[name]!, options));
    still = moved < options.tolerance ? still + 1 : 0;
    pictures += seen.pictures;
    batchCount++;
    task.advance(seen.pictures);
  };
  // One batch is in the engine while the one before it is being watched.
  let pending: Promise<Seen> | null = null;
  for await (const batch of batches) {
    throwIfCancelled(options.signal, "Calibration");
    const next = runBatch(session, input, batch);
    next.catch(() => {});
    if (pending) watch(await pending);
    pending = next;
    if (still >= options.patience) break;
  }
  if (pending) watch(await pending);
  checkFinite(watchers);
  return {
    ranges: new Map([...watchers].map(([name, watcher]) => [name, watcher.range])),
    moments: new Map([...watchers].flatMap(([name, { moments }]) => (moments ? [[name, moments]] : []))),
    pictures,
    batches: batchCount,
    stoppedEarly: still >= options.patience,
  };
}

interface Seen {
  readonly tensors: Record<string, TensorData>;
  readonly pictures: number;
}

async function runBatch(session: Session, input: string, batch: PictureBatch): Promise<Seen> {
  const feed: TensorData = { type: "float32", dims: [...batch.dims], data: batch.data };
  const tensors = await session.run({ [input]: feed });
  return { tensors: { ...tensors, [input]: feed }, pictures: batch.dims[0]! };
}

function isOutput(model: Model, name: string): boolean {
  return model.graph.outputs.some((value) => value.name === name);
}

function checkFinite(watchers: ReadonlyMap<string, Watcher>): void {
  for (const [name, { histogram }] of watchers) {
    if (histogram.notFinite > 0) {
      throw compressErrors.error(
        "CALIBRATION_FAILED",
        `The activation "${name}" was NaN or infinite ${histogram.notFinite} times. ` +
          "Check the preprocessing (cupel inspect shows it) and that the pictures are of the kind the model was trained on.",
        { details: { value: name } },
      );
    }
  }
}
