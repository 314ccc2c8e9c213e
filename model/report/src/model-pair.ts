/** The two models of a comparison: whatever is measured is measured of both. Their files, read and described. */
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileDigest, filesDigest, type NamedDigest, readRegular } from "@cupel/base";
import { externalLocations, type Model, readModelFile, separateNodeNames } from "@cupel/onnx";
import { atImageSize, type ModelInputs, modelInputs } from "@cupel/predict";
import type { Feeds } from "@cupel/runtime";
import type { Preprocessing } from "@cupel/vision";
import type { ModelSide } from "./report-schema.ts";

export interface ModelPair<T> {
  readonly original: T;
  readonly compressed: T;
}

/** Which of the two: for work that needs several things of a side. */
export const sides: ModelPair<keyof ModelPair<unknown>> = { original: "original", compressed: "compressed" };

/** The same of both, one after the other, the original first. */
export async function inTurn<T, R>(pair: ModelPair<T>, work: (side: T) => Promise<R>): Promise<ModelPair<R>> {
  const original = await work(pair.original);
  return { original, compressed: await work(pair.compressed) };
}

/** The same of both at once, each on its share of the cores. */
export async function atOnce<T, R>(pair: ModelPair<T>, work: (side: T) => Promise<R>): Promise<ModelPair<R>> {
  const [original, compressed] = await Promise.all([work(pair.original), work(pair.compressed)]);
  return { original, compressed };
}

export interface MeasuredFile {
  /** With the shapes that its values have for images of the preprocessing. */
  readonly model: Model;
  /** As the file declares them. */
  readonly inputs: ModelInputs;
}

/** @param tensors for inputs beside the image. @throws what `readModelFile`, `modelInputs` and `atImageSize` throw */
export async function readMeasured(
  path: string,
  preprocessing: Preprocessing,
  tensors: Feeds | undefined,
): Promise<MeasuredFile> {
  const model = await readModelFile(path);
  // As a session does, which then measures nodes by these names.
  separateNodeNames(model.graph);
  return { model: atImageSize(model, preprocessing), inputs: modelInputs(model, preprocessing, tensors) };
}

/**
 * What a model is on disk: the digest and the size are those of the model file and its external data together.
 * @throws MODEL_NOT_PROTOBUF, and what reading the files throws
 */
export async function describeFile(
  path: string,
): Promise<Pick<ModelSide, "file" | "bytes" | "sha256" | "files">> {
  const names = [basename(path), ...externalLocations(await readRegular(path))];
  const files: NamedDigest[] = [];
  let bytes = 0;
  for (const file of names) {
    const place = join(dirname(path), file);
    bytes += (await stat(place)).size;
    files.push({ file, sha256: await fileDigest(place) });
  }
  const described = { file: basename(path), bytes, sha256: filesDigest(files) };
  return files.length === 1 ? described : { ...described, files };
}
