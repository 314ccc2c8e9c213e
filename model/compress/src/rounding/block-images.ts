/** What a block is fed in the compressed network, and what it makes in the float one, of the same images. */
import { throwIfCancelled } from "@cupel/base";
import { cutOut, type Model } from "@cupel/onnx";
import { imageInputOf, imagesPerRun, runImages } from "@cupel/predict";
import { float32Of } from "@cupel/runtime";
import { batches, type ImageSource, subset, tensorDims } from "@cupel/vision";
import { openTuned } from "../calibrate/open-tuned.ts";
import type { Block } from "./blocks.ts";
import type { MomentsContext } from "./input-moments.ts";

export interface BlockImages {
  /** Without the batch. */
  readonly dims: readonly number[];
  readonly inputs: readonly Float32Array[];
  readonly outputs: readonly Float32Array[];
}

/** Of both together; fewer images are taken where they are large. */
const mostBytes = 128 * 2 ** 20;
const mostImages = 256;
const perRun = 8;

/** @param compressed with the layers before the block rounded. @param from what stands for the block's input there; no input of it */
export async function blockImages(
  compressed: Model,
  float: Model,
  block: Block,
  from: string,
  context: MomentsContext,
): Promise<BlockImages> {
  const { preprocessing, signal } = context;
  await using own = await openTuned(() => cutOut(compressed, [], [from]), context);
  await using reference = await openTuned(() => cutOut(float, [], [block.to.name]), context);
  const batchSize = imagesPerRun(imageInputOf(own.session.inputs), tensorDims(preprocessing, 1), perRun);
  const images = firstOf(context.images, Math.min(context.images.length, mostImages));
  const inputs: Float32Array[] = [];
  const outputs: Float32Array[] = [];
  let dims: readonly number[] = [];
  let bytes = 0;
  for await (const batch of batches(images, preprocessing, { batchSize, signal })) {
    throwIfCancelled(signal, "Rounding weights");
    const count = batch.indices.length;
    // Each run uses its data up.
    const wanted = await runImages(reference.session, { ...batch, data: batch.data.slice() });
    const read = (await runImages(own.session, batch))[from]!;
    dims = read.dims.slice(1);
    for (const [to, tensor] of [
      [inputs, read],
      [outputs, wanted[block.to.name]!],
    ] as const) {
      const data = float32Of(tensor);
      const size = data.length / count;
      for (let i = 0; i < count; i++) to.push(data.slice(i * size, (i + 1) * size));
      bytes += 4 * data.length;
    }
    if (bytes > mostBytes) break;
  }
  return { dims, inputs, outputs };
}

function firstOf(images: ImageSource, count: number): ImageSource {
  return subset(
    images,
    Array.from({ length: count }, (_, index) => index),
  );
}
