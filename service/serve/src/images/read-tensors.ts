/**
 * The images of a request as tensors. Decoding is work of libuv's threads, and long work on pixels that of another
 * thread; the main thread looks up normalised values, in pieces of 2 ms.
 */
import { CupelError } from "@cupel/base";
import type { Image, ImageBatch, ImageReader, ImageTensor } from "@cupel/vision";
import type { Call } from "../core/call.ts";
import { serveErrors } from "../errors.ts";
import { decodeSlots } from "./decode-slots.ts";
import type { ImageInput } from "./predict-request.ts";
import { requestImage } from "./request-image.ts";

/** Of those, for one request: another one is not kept waiting by many images. */
const slotsOfRequest = 2;
/** Bytes that one image may take while it is read: 25 million pixels of any format, or 64 million of a plain JPEG. */
export const memoryPerImage = 256_000_000;

/** Names an image in messages: by its place where there are several. */
export function imageName(index: number, count: number): string {
  return count === 1 ? "The image" : `Image ${index + 1} of ${count}`;
}

/** An image among those of its request. */
export interface Place {
  readonly index: number;
  /** In messages. */
  readonly name: string;
  /** Fires when nobody waits for the image: the caller has left, or another image of the request is bad. */
  readonly signal: AbortSignal;
}

/**
 * One after the other for each of a few lanes. Adds to `call.times.decode`, in ms.
 * @throws IMAGE_INVALID, CANCELLED, DEADLINE_EXCEEDED
 */
export async function readEach<Result>(
  inputs: readonly ImageInput[],
  call: Call,
  read: (image: Image, place: Place) => Promise<Result>,
): Promise<Result[]> {
  const begun = performance.now();
  const results: Result[] = [];
  const failed = new AbortController();
  const signal = AbortSignal.any([call.signal, failed.signal]);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < inputs.length) {
      const index = next++;
      const place = { index, name: imageName(index, inputs.length), signal };
      results[index] = await readInSlot(inputs[index]!, place, read);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(slotsOfRequest, inputs.length) }, lane));
  } catch (thrown) {
    // The other lanes end; nobody waits for what they have.
    failed.abort();
    throw thrown;
  } finally {
    addDecodeTime(call, begun);
  }
  return results;
}

/** The same of one image among those of a request, for who does not want all of them at once. */
export async function readOne<Result>(
  inputs: readonly ImageInput[],
  index: number,
  call: Call,
  read: (image: Image, place: Place) => Promise<Result>,
): Promise<Result> {
  const begun = performance.now();
  try {
    const place = { index, name: imageName(index, inputs.length), signal: call.signal };
    return await readInSlot(inputs[index]!, place, read);
  } finally {
    addDecodeTime(call, begun);
  }
}

async function readInSlot<Result>(
  input: ImageInput,
  place: Place,
  read: (image: Image, place: Place) => Promise<Result>,
): Promise<Result> {
  const { index, name, signal } = place;
  try {
    return await decodeSlots.use(signal, async () => read(await requestImage(input, name, signal), place));
  } catch (thrown) {
    throw imageError(thrown, index);
  }
}

function addDecodeTime({ times }: Call, begun: number): void {
  times.decode = (times.decode ?? 0) + performance.now() - begun;
}

/** @throws IMAGE_INVALID, CANCELLED, DEADLINE_EXCEEDED */
export function readTensors(
  inputs: readonly ImageInput[],
  reader: ImageReader,
  call: Call,
): Promise<ImageTensor[]> {
  return readEach(inputs, call, (image, { name, signal }) => reader.read(image, name, { signal }));
}

/** What is wrong with an image that somebody sent is told to him: it is his. Anything else stays as it is. */
export function imageError(thrown: unknown, index: number): unknown {
  if (!(thrown instanceof CupelError) || thrown.code !== "IMAGES_UNREADABLE") return thrown;
  return serveErrors.error("IMAGE_INVALID", thrown.message, { cause: thrown, details: { image: index } });
}

/** Tensors of one size side by side, in their order; a batch ends where the size changes. */
export function batchesOf(tensors: readonly ImageTensor[]): ImageBatch[] {
  const groups: ImageTensor[][] = [];
  for (const tensor of tensors) {
    const last = groups.at(-1);
    const isSame = last?.[0]?.dims.every((size, axis) => size === tensor.dims[axis]) ?? false;
    if (isSame) last!.push(tensor);
    else groups.push([tensor]);
  }
  return groups.map((group) => {
    const [, ...image] = group[0]!.dims;
    return {
      indices: group.map((_, i) => i),
      labels: group.map(() => null),
      sizes: group.map(({ size }) => size),
      data: joined(group),
      dims: [group.length, ...image],
    };
  });
}

function joined(tensors: readonly ImageTensor[]): Float32Array<ArrayBuffer> {
  if (tensors.length === 1) return tensors[0]!.data;
  const each = tensors[0]!.data.length;
  const data = new Float32Array(each * tensors.length);
  for (const [i, tensor] of tensors.entries()) data.set(tensor.data, i * each);
  return data;
}
