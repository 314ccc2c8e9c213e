/**
 * Batches for training: every image once an epoch in a shuffled order, augmented, all batches of one shape,
 * made by threads ahead of the step. `batches()` is for measuring: the order of the source, nothing drawn.
 *
 * Up to `queue` batches are ready or in the making while the consumer holds one, in `queue + 1` buffers that
 * go round. An image that cannot be read is replaced by the next readable one in the order of the epoch, so
 * that a batch depends on nothing but the images, the seed, the epoch and its own number; it is not tried
 * again.
 */
import { availableParallelism } from "node:os";
import { closeWhenForgotten, moduleBeside, throwIfCancelled } from "@cupel/base";
import type { Augmentation } from "../augmentation/augmentation.ts";
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";
import { CHANNELS, type Preprocessing, type TensorDims, tensorDims } from "../preprocessing/preprocessing.ts";
import { checkCount } from "../tensors/batches.ts";
import { allUnreadable, isUnreadable, type UnreadableImage } from "../tensors/unreadable-images.ts";
import { type EpochPlan, planEpoch } from "./epoch-plan.ts";
import { type BatchFillerOptions, createBatchFiller, type Slot, type UnreadableSlot } from "./fill-batch.ts";
import { LoaderThreads, loaderClosed } from "./loader-threads.ts";

export interface LoaderOptions {
  readonly batchSize: number;
  /** Decides the order and every draw. Default 0. */
  readonly seed?: number | undefined;
  /** Default none. */
  readonly augmentation?: Augmentation | undefined;
  /**
   * Threads that fill batches; 0 fills them in the caller's thread, beside its other work. The batches are the
   * same. Default: one a core, at most 4, as many as libuv decodes with (see UV_THREADPOOL_SIZE).
   */
  readonly workers?: number | undefined;
  /** Batches ready or in the making while the consumer holds one. Default: one more than `workers`, at least 2. */
  readonly queue?: number | undefined;
  /** When false, the order of the source. Default true. */
  readonly shuffle?: boolean | undefined;
  /** When false, the last batch of an epoch has what is left. Default true: what is left is left out. */
  readonly dropLast?: boolean | undefined;
  /** When true, the first unreadable image is an error. Default false: it is replaced. */
  readonly strict?: boolean | undefined;
  /** Bytes that an image may take while it is read; one that would take more is unreadable. Default 512 MB. */
  readonly memoryPerImage?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface EpochOptions {
  /** The first batch wanted, from 0, to resume in mid-epoch. Default 0. */
  readonly from?: number | undefined;
}

/** Valid until the next one is asked for: its buffer is then used again, unless it was transferred away. */
export interface TrainingBatch {
  /** Number of the batch in its epoch, from 0. */
  readonly index: number;
  /** Which images of the source these are. */
  readonly indices: readonly number[];
  /** One for each; empty when the source is unlabelled. */
  readonly labels: Int32Array<ArrayBuffer>;
  readonly data: Float32Array<ArrayBuffer>;
  /** `[N, C, H, W]` or `[N, H, W, C]`. */
  readonly dims: TensorDims;
}

export interface Loader extends AsyncDisposable {
  readonly batchesPerEpoch: number;
  /** Images that each epoch leaves out under `dropLast`, because they fill no batch: other ones each time where it shuffles. */
  readonly leftOut: number;
  /** Images that could not be read so far, each once, as they were met. */
  readonly unreadable: readonly UnreadableImage[];
  /**
   * The batches of one epoch, counted from 0. Iterating throws IMAGES_UNREADABLE (every image, or one
   * under `strict`), THREAD_CRASHED, LOADER_CLOSED, CANCELLED and DEADLINE_EXCEEDED.
   */
  epoch(epoch: number, options?: EpochOptions): AsyncIterableIterator<TrainingBatch>;
  /** Resolves when the threads have ended. Epochs under way end with LOADER_CLOSED. */
  close(): Promise<void>;
}

const MAX_WORKERS = 4;

/** @throws SELECTION_INVALID; PREPROCESSING_INVALID for one whose tensors have several sizes */
export function openLoader(
  source: ImageSource,
  preprocessing: Preprocessing,
  options: LoaderOptions,
): Loader {
  const { batchSize, seed = 0, augmentation = [], signal } = options;
  const { shuffle = true, dropLast = true, strict = false } = options;
  const { workers = Math.min(MAX_WORKERS, availableParallelism()), queue = Math.max(2, workers + 1) } =
    options;
  checkCount("batchSize", batchSize);
  checkCount("queue", queue);
  checkCount("workers", workers, 0);
  const batchesPerEpoch = (dropLast ? Math.floor : Math.ceil)(source.length / batchSize);
  if (batchesPerEpoch === 0) {
    throw visionErrors.error(
      "SELECTION_INVALID",
      `${source.location} has ${source.length} images, less than one batch of ${batchSize}. Take a smaller batchSize.`,
      { details: { batchSize, images: source.length } },
    );
  }
  if (preprocessing.multiple !== undefined) {
    throw visionErrors.error(
      "PREPROCESSING_INVALID",
      "Training takes images of one size, but the preprocessing has a multiple, which makes a tensor of another size for other images. " +
        "Leave out the multiple.",
    );
  }
  const valuesPerImage = preprocessing.width * preprocessing.height * CHANNELS[preprocessing.colour];
  const filler = openFiller({ preprocessing, augmentation, memoryPerImage: options.memoryPerImage }, workers);
  // All that is handed out shares this scope: an epoch under way keeps the loader open.
  const owner = {};
  const remembered = closeWhenForgotten(owner, "loader", filler.close.bind(filler));
  const unreadable = new Map<number, UnreadableImage>();
  const free: Float32Array<ArrayBuffer>[] = [];
  let closed = false;

  const check = (): void => {
    throwIfCancelled(signal, "Loading images");
    if (closed) throw loaderClosed();
  };

  async function slotOf(plan: EpochPlan, place: number, index: number): Promise<Slot | UnreadableSlot> {
    const id = source.id(index);
    try {
      const image = await source.image(index);
      return { place, image, id, seed: plan.augmentationSeed(index) };
    } catch (thrown) {
      if (isUnreadable(thrown)) return { place, reason: thrown.message };
      throw thrown;
    }
  }

  /** The image at this position in the order of the epoch, or the first after it that is not known unreadable. */
  function choose({ order }: EpochPlan, position: number): number {
    for (let step = 0; step < order.length; step++) {
      const index = order[(position + step) % order.length]!;
      if (!unreadable.has(index)) return index;
    }
    throw allUnreadable(source, [...unreadable.values()]);
  }

  /** Rounds of reading: a place whose image turns out unreadable takes another in the next round. */
  async function make(plan: EpochPlan, index: number): Promise<TrainingBatch> {
    const first = index * batchSize;
    const count = Math.min(batchSize, source.length - first);
    const indices = new Array<number>(count).fill(0);
    let data = free.pop() ?? new Float32Array(batchSize * valuesPerImage);
    let open = [...indices.keys()];
    while (open.length > 0) {
      check();
      for (const place of open) indices[place] = choose(plan, first + place);
      const asked = await Promise.all(open.map((place) => slotOf(plan, place, indices[place]!)));
      const filled = await filler.fill(
        asked.filter((slot) => "image" in slot),
        data,
        signal,
      );
      data = filled.data;
      const failed = [...asked.filter((slot) => "reason" in slot), ...filled.unreadable];
      for (const { place, reason } of failed) {
        const image = { index: indices[place]!, id: source.id(indices[place]!), reason };
        unreadable.set(image.index, image);
        if (strict) throw visionErrors.error("IMAGES_UNREADABLE", reason, { details: { ...image } });
      }
      open = failed.map(({ place }) => place);
    }
    return {
      index,
      indices,
      labels: source.labelled ? Int32Array.from(indices, (image) => source.label(image)!) : new Int32Array(0),
      data: count === batchSize ? data : data.subarray(0, count * valuesPerImage),
      dims: tensorDims(preprocessing, count),
    };
  }

  /** A buffer that the consumer transferred away is empty, and a new one is made when it is missed. */
  function recycle({ data }: TrainingBatch): void {
    if (data.buffer.byteLength > 0 && !closed) free.push(new Float32Array(data.buffer));
  }

  async function* epochOf(epoch: number, from: number): AsyncGenerator<TrainingBatch> {
    check();
    const plan = planEpoch(seed, epoch, source.length, shuffle);
    const making: Promise<TrainingBatch>[] = [];
    let next = from;
    const begin = (count: number): void => {
      while (making.length < count && next < batchesPerEpoch) {
        const batch = make(plan, next++);
        // A failure waits for its turn; until then it must not count as unhandled.
        batch.catch(() => {});
        making.push(batch);
      }
    };
    try {
      for (;;) {
        // One to hand over, and `queue` behind it, begun before the consumer goes to work.
        begin(queue + 1);
        const head = making.shift();
        if (head === undefined) return;
        const batch = await head;
        try {
          check();
          yield batch;
        } finally {
          recycle(batch);
        }
        check();
      }
    } finally {
      for (const left of await Promise.allSettled(making)) {
        if (left.status === "fulfilled") recycle(left.value);
      }
    }
  }

  const loader: Loader = {
    batchesPerEpoch,
    leftOut: Math.max(0, source.length - batchesPerEpoch * batchSize),
    get unreadable() {
      return [...unreadable.values()];
    },
    epoch(epoch, { from = 0 } = {}) {
      checkCount("epoch", epoch, 0);
      checkCount("from", from, 0);
      return epochOf(epoch, from);
    },
    async close() {
      void owner;
      remembered();
      closed = true;
      free.length = 0;
      await filler.close();
    },
    [Symbol.asyncDispose]: () => loader.close(),
  };
  return loader;
}

type Filler = Pick<LoaderThreads, "fill" | "close">;

function openFiller(options: BatchFillerOptions, workers: number): Filler {
  if (workers > 0) return new LoaderThreads(moduleBeside(import.meta.url, "loader-worker"), workers, options);
  const fill = createBatchFiller(options);
  return {
    fill: async (slots, data, signal) => ({ unreadable: await fill(slots, data, signal), data }),
    close: async () => {},
  };
}
