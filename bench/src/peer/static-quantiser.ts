/** Calls the stock Python quantiser on exactly the tensors that Cupel would feed. */
import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bytesOf } from "@cupel/onnx";
import { batches, type ImageSource, type Preprocessing } from "@cupel/vision";

export interface ImageTensors {
  readonly path: string;
  /** `[N, C, H, W]` of all images together. */
  readonly dims: readonly number[];
}

/** Writes preprocessed images, float32, one after the other. */
export async function writeTensors(
  images: ImageSource,
  preprocessing: Preprocessing,
  path: string,
): Promise<ImageTensors> {
  await using file = await open(path, "w");
  let dims: readonly number[] = [];
  let count = 0;
  for await (const batch of batches(images, preprocessing, { batchSize: 32, strict: true })) {
    await file.write(bytesOf(batch.data));
    count += batch.dims[0];
    dims = batch.dims;
  }
  return { path, dims: [count, ...dims.slice(1)] };
}

export interface StaticQuantiserOptions {
  readonly python: string;
  readonly model: string;
  readonly tensors: ImageTensors;
  readonly method: "MinMax" | "Percentile" | "Entropy";
  /** Runs its recommended preparation first, which folds BatchNorms. */
  readonly prepare: boolean;
  readonly output: string;
  readonly signal: AbortSignal;
}

/** INT8, QDQ, per channel. */
export async function quantiseStatically(options: StaticQuantiserOptions): Promise<void> {
  const { python, model, tensors, method, prepare, output, signal } = options;
  const script = fileURLToPath(new URL("quantise_static.py", import.meta.url));
  const shape = tensors.dims.join("x");
  const args = [script, model, tensors.path, shape, method, prepare ? "yes" : "no", output];
  await promisify(execFile)(python, args, { signal, maxBuffer: 2 ** 26 });
}
