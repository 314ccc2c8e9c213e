/** The two models of a comparison: whatever is measured is measured of both. Their files, read and described. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { inferShapes, type Model, readModelFile } from "@cupel/onnx";
import type { ModelSide } from "./report-schema.ts";

export interface ModelPair<T> {
  readonly original: T;
  readonly compressed: T;
}

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

/** With inferred shapes. @throws what `readModelFile` throws */
export async function readInferred(path: string): Promise<Model> {
  const model = await readModelFile(path);
  inferShapes(model);
  return model;
}

/**
 * What a model is on disk. The digest is of the model file, followed by the files of its external data in
 * order of their names; the size is that of all of them.
 */
export async function describeFile(
  path: string,
  model: Model,
): Promise<Pick<ModelSide, "file" | "bytes" | "sha256">> {
  const hash = createHash("sha256");
  let bytes = 0;
  for (const file of [path, ...externalFilesOf(model).map((name) => join(dirname(path), name))]) {
    bytes += (await stat(file)).size;
    for await (const chunk of createReadStream(file)) hash.update(chunk);
  }
  return { file: basename(path), bytes, sha256: hash.digest("hex") };
}

/** Names as written in the model, relative to its folder. */
function externalFilesOf(model: Model): string[] {
  const names = new Set<string>();
  for (const { constant } of model.graph.initializers) {
    if (constant?.source.kind === "external") names.add(constant.source.place.location);
  }
  return [...names].sort();
}
