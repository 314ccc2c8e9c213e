/**
 * A source of images as batches of tensors, in the order of the source.
 *
 * sharp decodes on libuv's threads, a few images at once; what long work on pixels there is has threads of its own; this
 * thread only copies and looks up. Up to
 * two batches are made ahead while the consumer works on one, so that memory stays at about three
 * batches. An image that cannot be read is listed and skipped: the batch takes the next one instead.
 */
import {
  type CupelError,
  createTurns,
  silentProgress,
  throwIfCancelled,
  type WorkOptions,
} from "@cupel/base";
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";
import type { Size } from "../preprocessing/placement.ts";
import { type Preprocessing, type TensorDims, tensorDims } from "../preprocessing/preprocessing.ts";
import { decodeImage, type ResizedImage } from "./decode.ts";
import { inOrder, lookAhead } from "./in-order.ts";
import { createNormaliser, type Normaliser } from "./normalise.ts";
import { allUnreadable, isUnreadable, type UnreadableImage } from "./unreadable-images.ts";

export interface BatchesOptions extends WorkOptions {
  /** Images in a batch; the last one may have fewer, and one before an image whose tensor has another size. */
  readonly batchSize: number;
  /** When true, the first unreadable image is an error. Default false: it is skipped. */
  readonly strict?: boolean | undefined;
  /** Images decoded at once, on libuv's threads (4 unless UV_THREADPOOL_SIZE says otherwise). Default 2. */
  readonly workers?: number | undefined;
  /** Bytes that an image may take while it is read; one that would take more is unreadable. Default 512 MB. */
  readonly memoryPerImage?: number | undefined;
  /** Told of each skipped image, in order. */
  readonly onUnreadable?: ((unreadable: UnreadableImage) => void) | undefined;
}

export interface ImageBatch {
  /** Which images of the source these are. */
  readonly indices: readonly number[];
  /** One for each; null when the source is unlabelled. */
  readonly labels: readonly (number | null)[];
  /** Of each image as it was decoded, upright, before its resize. */
  readonly sizes: readonly Size[];
  /** A fresh array, the consumer's to keep or transfer. */
  readonly data: Float32Array<ArrayBuffer>;
  /** `[N, C, H, W]` or `[N, H, W, C]`. */
  readonly dims: TensorDims;
}

export interface ImageBatches extends AsyncIterable<ImageBatch> {
  /** Images skipped so far in the latest iteration. */
  readonly unreadable: readonly UnreadableImage[];
}

/** Batches made while the consumer works on one: one ready, one being filled. */
const BATCHES_AHEAD = 2;

/** Decodes begun for each worker: enough that one slow image does not idle the others. */
const WINDOW_PER_WORKER = 8;

/**
 * Iterating throws IMAGES_UNREADABLE (every image, or one under `strict`) and CANCELLED.
 * @throws SELECTION_INVALID
 */
export function batches(
  source: ImageSource,
  preprocessing: Preprocessing,
  options: BatchesOptions,
): ImageBatches {
  checkCount("batchSize", options.batchSize);
  checkCount("workers", options.workers ?? 1);
  const normaliser = createNormaliser(preprocessing);
  let unreadable: UnreadableImage[] = [];
  return {
    get unreadable() {
      return unreadable;
    },
    [Symbol.asyncIterator]() {
      unreadable = [];
      const listed = unreadable;
      const left = new AbortController();
      const signal = AbortSignal.any([left.signal, ...(options.signal ? [options.signal] : [])]);
      const images = readable(source, preprocessing, { ...options, signal }, listed);
      const made = assemble(source, preprocessing, normaliser, images, options);
      return lookAhead(made, BATCHES_AHEAD, () => left.abort());
    },
  };
}

type Decoded =
  | { readonly kind: "pixels"; readonly index: number; readonly pixels: ResizedImage }
  | { readonly kind: "unreadable"; readonly index: number; readonly error: CupelError };

interface Readable {
  readonly index: number;
  readonly pixels: ResizedImage;
}

/** The images that can be read, in order; the others go onto the list. */
async function* readable(
  source: ImageSource,
  preprocessing: Preprocessing,
  options: BatchesOptions,
  unreadable: UnreadableImage[],
): AsyncGenerator<Readable> {
  const { strict = false, workers = 2, memoryPerImage: memory, signal, onUnreadable } = options;
  const turn = createTurns();
  const decode = async (index: number): Promise<Decoded> => {
    await turn();
    throwIfCancelled(signal, "Reading images");
    try {
      const image = await source.image(index);
      const pixels = await decodeImage(image, preprocessing, source.id(index), { memory, signal });
      return { kind: "pixels", index, pixels };
    } catch (thrown) {
      if (isUnreadable(thrown)) return { kind: "unreadable", index, error: thrown };
      throw thrown;
    }
  };

  using task = (options.progress ?? silentProgress).start("Reading images", source.length, "images");
  for await (const decoded of inOrder(
    source.length,
    { workers, window: workers * WINDOW_PER_WORKER },
    decode,
  )) {
    throwIfCancelled(signal, "Reading images");
    task.advance();
    if (decoded.kind === "pixels") {
      yield decoded;
    } else {
      if (strict) throw decoded.error;
      const entry = {
        index: decoded.index,
        id: source.id(decoded.index),
        reason: decoded.error.message,
      };
      unreadable.push(entry);
      onUnreadable?.(entry);
    }
  }
  if (unreadable.length === source.length) throw allUnreadable(source, unreadable);
}

async function* assemble(
  source: ImageSource,
  preprocessing: Preprocessing,
  normaliser: Normaliser,
  images: AsyncIterable<Readable>,
  { batchSize }: BatchesOptions,
): AsyncGenerator<ImageBatch> {
  let data = new Float32Array(0);
  let indices: number[] = [];
  let sizes: Size[] = [];
  let tensor: Size = preprocessing;
  const dimsOf = (count: number): TensorDims => tensorDims({ ...preprocessing, ...tensor }, count);
  const finish = (): ImageBatch => {
    const count = indices.length;
    const values = (data.length / batchSize) * count;
    const batch = {
      indices,
      labels: indices.map((index) => source.label(index)),
      sizes,
      data: count === batchSize ? data : data.slice(0, values),
      dims: dimsOf(count),
    };
    indices = [];
    sizes = [];
    return batch;
  };

  for await (const { index, pixels } of images) {
    const { width, height } = normaliser.tensorOf(pixels);
    if (indices.length > 0 && (width !== tensor.width || height !== tensor.height)) yield finish();
    if (indices.length === 0) {
      tensor = { width, height };
      data = new Float32Array(dimsOf(batchSize).reduce((product, side) => product * side));
    }
    normaliser.write(pixels, data, (data.length / batchSize) * indices.length);
    indices.push(index);
    sizes.push(pixels.original);
    if (indices.length === batchSize) yield finish();
  }
  if (indices.length > 0) yield finish();
}

/** @throws SELECTION_INVALID when the value is not a whole number of at least `least`. */
export function checkCount(name: string, value: number, least = 1): void {
  if (Number.isInteger(value) && value >= least) return;
  throw visionErrors.error(
    "SELECTION_INVALID",
    `${name} must be a whole number of at least ${least}, not ${value}.`,
    { details: { [name]: value } },
  );
}
