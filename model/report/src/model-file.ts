/** What a model is on disk: its size and digest, the files its weights lie in included. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Model } from "@cupel/onnx";
import type { ModelSide } from "./report-schema.ts";

/** The digest is of the model file, followed by the files of its external data in order of their names. */
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
