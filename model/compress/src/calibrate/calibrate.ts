/**
 * Streams images through the float model and watches every activation that will be rounded. The engine reduces
 * each where it arises (`watched-graph.ts`); what stays is a histogram each, however many images there are.
 *
 * It stops by itself when `patience` batches in a row moved no range by more than `tolerance`. Batches are those
 * of the recipe: how many images a run of the engine has changes nothing. (A dense layer may differ in its last
 * bit, since the engine multiplies one row in another order than several.)
 */
import {
  createTurns,
  freeBuffer,
  own,
  silentProgress,
  throwIfCancelled,
  type WorkOptions,
} from "@cupel/base";
import type { Model, Value } from "@cupel/onnx";
import { atImageSize, imageInputOf, imagesPerRun, runImages } from "@cupel/predict";
import { float32Of, type InferenceSession, type openSession, type TensorData } from "@cupel/runtime";
import {
  batches,
  type ImageBatch,
  type ImageSource,
  type Preprocessing,
  tensorDims,
  type UnreadableImage,
} from "@cupel/vision";
import { compressErrors } from "../errors.ts";
import type { ChannelMoments } from "./channel-moments.ts";
import { openTuned } from "./open-tuned.ts";
import type { Range, RangeMethod, RangeOptions } from "./range-method.ts";
import { type WatchedGraph, watchGraph } from "./watched-graph.ts";
import { Watcher } from "./watcher.ts";

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
  /** Ids of images whose outputs are kept. Default: none. */
  readonly keptOutputs?: ReadonlySet<string> | undefined;
  readonly strict?: boolean | undefined;
  readonly onUnreadable?: ((unreadable: UnreadableImage) => void) | undefined;
  readonly open?: typeof openSession | undefined;
}

export interface Calibration {
  readonly ranges: ReadonlyMap<string, Range>;
  /** The ranges that another method takes from the same images. */
  rangesBy(method: RangeMethod): ReadonlyMap<string, Range>;
  /** Moments by channel of each watched value that has channels. */
  readonly moments: ReadonlyMap<string, ChannelMoments>;
  /**
   * The float32 outputs of the model, by id of the image, of those of `keptOutputs` that were seen. Empty where the
   * model takes several images a run, or has an output that is not by image.
   */
  readonly outputs: ReadonlyMap<string, readonly Float32Array[]>;
  readonly images: number;
  readonly batches: number;
  readonly stoppedEarly: boolean;
}

/**
 * Activations of one run together have about this many bytes; a run is at least one image. The engine frees
 * each when it has been read for the last time, so that far fewer are held.
 */
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
  const { images, signal } = options;
  const watched = watchGraph(model, values);
  const watchers = watched.watches.map((watch) => new Watcher(watch));
  const fetches = watchers.flatMap((watcher) => watcher.fetches);
  await using opened = await openTuned(() => watched.model, options);
  const { session } = opened;
  using task = (options.progress ?? silentProgress).start("Calibrating", images.length, "images");
  const isCut = watched.watches.every(({ byImage }) => byImage);
  const wanted = Math.min(
    options.batchSize,
    Math.floor(bytesPerRun / bytesOfImage(model, values, options.preprocessing)),
  );

  const input = imageInputOf(session.inputs);
  const inputDims = tensorDims(options.preprocessing, 1);
  const kept = outputsToKeep(model, watched, imagesPerRun(input, inputDims, 1), options);
  const outputs = new Map<string, readonly Float32Array[]>();

  let seen = 0;
  let looks = 0;
  let still = 0;
  const turn = createTurns();
  const look = async (): Promise<void> => {
    looks++;
    let moved = 0;
    for (const watcher of watchers) {
      await turn();
      watcher.endBatch();
      moved = Math.max(moved, watcher.settle(options.method, options));
    }
    still = moved < options.tolerance ? still + 1 : 0;
  };
  const isDone = () => still >= options.patience;
  const watch = async ({ tensors, indices }: RunResult): Promise<void> => {
    const count = indices.length;
    for (let image = 0; image < count && !isDone(); image++) {
      const id = images.id(indices[image]!);
      if (kept.ids.has(id))
        outputs.set(
          id,
          kept.names.map((name) => ofImage(own(tensors, name)!, image, count)),
        );
      for (const watcher of watchers) {
        await turn();
        throwIfCancelled(signal, "Calibration");
        watcher.add(tensors, image, count);
      }
      seen++;
      task.advance(1);
      if (seen % options.batchSize === 0) await look();
    }
    for (const { data } of Object.values(tensors)) freeBuffer(data.buffer);
  };
  // While the engine works on one run, the results of the one before are watched.
  let pending: Promise<RunResult> | null = null;
  const stream = batches(images, options.preprocessing, {
    batchSize: imagesPerRun(input, inputDims, isCut ? wanted : 1),
    strict: options.strict,
    onUnreadable: options.onUnreadable,
    signal,
  });
  for await (const batch of stream) {
    throwIfCancelled(signal, "Calibration");
    const keepsOutputs = batch.indices.some((index) => kept.ids.has(images.id(index)));
    const next = run(session, batch, [...new Set(keepsOutputs ? [...fetches, ...kept.names] : fetches)]);
    next.catch(() => {}); // Reported when awaited; until then it must not count as unhandled.
    if (pending) await watch(await pending);
    pending = next;
    if (isDone()) break;
  }
  if (pending) await watch(await pending);
  if (seen % options.batchSize > 0) await look();
  checkFinite(watchers, seen);
  return {
    ranges: new Map(watchers.map(({ watch, range }) => [watch.value, range])),
    rangesBy: (method) =>
      new Map(watchers.map((watcher) => [watcher.watch.value, watcher.rangeBy(method, options)])),
    moments: new Map(watchers.flatMap(({ watch, moments }) => (moments ? [[watch.value, moments]] : []))),
    outputs,
    images: seen,
    batches: looks,
    stoppedEarly: isDone(),
  };
}

function bytesOfImage(model: Model, values: readonly Value[], preprocessing: Preprocessing): number {
  const { graph } = atImageSize(model, preprocessing);
  const elements = values.map(({ name }) =>
    (graph.value(name)?.shape ?? [])
      .slice(1)
      .reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : 1), 1),
  );
  return 4 * elements.reduce((sum, count) => sum + count, 0);
}

/** Of which images, and which outputs: those that are float32 when a run has given them. */
function outputsToKeep(
  { graph }: Model,
  { batch }: WatchedGraph,
  perRun: number,
  { keptOutputs }: CalibrationOptions,
): { readonly ids: ReadonlySet<string>; readonly names: readonly string[] } {
  const isFloat = (type: string) => type === "float32" || type === "float16";
  const float = graph.outputs.filter(({ type }) => type?.kind === "tensor" && isFloat(type.elementType));
  const areByImage = batch !== null && float.every(({ shape }) => shape?.[0] === batch);
  if (!keptOutputs || perRun > 1 || !areByImage) return { ids: new Set(), names: [] };
  return { ids: keptOutputs, names: float.map(({ name }) => name) };
}

function ofImage(tensor: TensorData, image: number, count: number): Float32Array {
  const values = float32Of(tensor);
  const size = values.length / count;
  return values.slice(image * size, (image + 1) * size);
}

interface RunResult {
  readonly tensors: Readonly<Record<string, TensorData>>;
  /** Of the images. */
  readonly indices: readonly number[];
}

async function run(
  session: InferenceSession,
  batch: ImageBatch,
  fetches: readonly string[],
): Promise<RunResult> {
  const { indices } = batch;
  return { tensors: await runImages(session, batch, fetches), indices };
}

function checkFinite(watchers: readonly Watcher[], images: number): void {
  for (const { watch, notFinite } of watchers) {
    if (notFinite > 0) {
      throw compressErrors.error(
        "CALIBRATION_FAILED",
        `The activation "${watch.value}" was NaN, infinite or near the end of float32 (3e38) in ${notFinite} of ${images} images. ` +
          "Check the preprocessing (cupel inspect shows it) and that the images are of the kind the model was trained on.",
        { details: { value: watch.value } },
      );
    }
  }
}
