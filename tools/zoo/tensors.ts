/** Images of the zoo as tensors, for both engines and both tools, and what a model makes of them. */

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { own } from "@cupel/base";
import { bytesOf, writeFloat16 } from "@cupel/onnx";
import { withoutLabels } from "@cupel/predict";
import type { Feeds, InferenceSession } from "@cupel/runtime";
import {
  batches,
  type ImageSource,
  openImages,
  type Preprocessing,
  sample,
  syntheticInspection,
} from "@cupel/vision";
import { numbersOf, type Outputs } from "./agreement.ts";

const newestEngine = fileURLToPath(new URL("newest_engine.py", import.meta.url));

/** Photographs of CUPEL_DATA where it has them, else drawn circuit boards: the same ones in every run. */
export async function zooImages(count: number): Promise<ImageSource> {
  const photographs = join(process.env.CUPEL_DATA ?? "../shared/data", "imagenette", "train");
  const found = await openImages(photographs).catch(() => null);
  return withoutLabels(found ? sample(found, count, 1) : syntheticInspection({ count, seed: 1 }));
}

/** Float32, one image each, and the size of one. */
export interface ImageTensors {
  readonly images: readonly Float32Array<ArrayBuffer>[];
  readonly dims: readonly number[];
}

export async function tensorsOf(source: ImageSource, preprocessing: Preprocessing): Promise<ImageTensors> {
  const images: Float32Array<ArrayBuffer>[] = [];
  let dims: readonly number[] = [];
  for await (const batch of batches(source, preprocessing, { batchSize: 1, strict: true })) {
    images.push(batch.data.slice());
    dims = batch.dims;
  }
  return { images, dims };
}

/** Feeds of so many copies of an image, in the type that the model's first input has. */
export function feedsOf(
  session: InferenceSession,
  { images, dims }: ImageTensors,
  index: number,
  copies = 1,
): Feeds {
  const input = session.inputs[0]!;
  const values = new Float32Array(images[index]!.length * copies);
  for (let copy = 0; copy < copies; copy++) values.set(images[index]!, copy * images[index]!.length);
  const data =
    input.type === "float16"
      ? writeFloat16(values)
      : input.type === "uint8"
        ? Uint8Array.from(values)
        : values;
  // A model of one image at a time may have no batch dimension.
  const isBare = copies === 1 && input.dims.length === dims.length - 1;
  const given = isBare ? dims.slice(1) : [copies, ...dims.slice(1)];
  return { [input.name]: { type: input.type, dims: given, data } };
}

export async function outputsOf(session: InferenceSession, tensors: ImageTensors): Promise<Outputs[]> {
  const found: Outputs[] = [];
  for (const index of tensors.images.keys()) {
    const outputs = await session.run(feedsOf(session, tensors, index));
    found.push(session.outputs.map(({ name }) => numbersOf(own(outputs, name)!)));
  }
  return found;
}

export async function writeTensors({ images, dims }: ImageTensors, path: string): Promise<string> {
  await writeFile(path, Buffer.concat(images.map(bytesOf)));
  return [images.length, ...dims.slice(1)].join("x");
}

/** The same in the newest engine, which Python has. */
export async function outputsInPython(
  python: string,
  model: string,
  outputs: number,
  tensors: ImageTensors,
  folder: string,
): Promise<{ readonly version: string; readonly found: Outputs[] }> {
  const [images, written] = [join(folder, "judges.bin"), join(folder, "outputs.bin")];
  const shape = await writeTensors(tensors, images);
  const { stdout } = await promisify(execFile)(python, [newestEngine, model, images, shape, written]);
  const bytes = await readFile(written);
  const numbers = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  let at = 0;
  const next = () => {
    const length = numbers[at]!;
    at += 1 + length;
    return numbers.subarray(at - length, at);
  };
  return { version: stdout.trim(), found: tensors.images.map(() => Array.from({ length: outputs }, next)) };
}
