/**
 * What a kept answer is found by: the SHA-256 of everything that determines it. Two requests have one key only if they
 * are the same request to the same bytes of a model.
 *
 * What is hashed is the length of a head, the head, and the bytes of all tensors or images. The head is JSON, which
 * tells strings and lists apart by itself, and it holds the number of bytes of each tensor: nothing can be shifted from
 * one part to another.
 */
import { createHash } from "node:crypto";
import type { InferenceRequest, Parameters } from "../core/inference.ts";
import type { Tensor } from "../core/tensor.ts";
import type { PredictRequest } from "../images/predict-request.ts";
import type { ModelVersion } from "../repository/model-version.ts";

/** Which bytes answer: two versions may have one digest, and a version another after a reload. */
export type Answering = Pick<ModelVersion, "model" | "version" | "digest">;

/** What a request is made of, beside the model that answers and its id. A new field does not compile until it is here. */
type Parts<Request> = { readonly [Name in Exclude<keyof Request, "model" | "version" | "id">]-?: unknown };

export function inferenceKey(request: InferenceRequest, answering: Answering): Uint8Array {
  const { inputs, outputs, parameters } = request;
  const parts: Parts<InferenceRequest> = {
    inputs: inputs.map((tensor) => [tensor.name, tensor.datatype, tensor.shape, sizesOf(tensor)]),
    outputs: outputs ?? null,
    parameters: parametersOf(parameters),
  };
  return keyOf("infer", answering, parts, inputs.flatMap(bytesOf));
}

export function predictionKey(request: PredictRequest, answering: Answering): Uint8Array {
  const { images, top, threshold, windows = false, draw = false } = request;
  const parts: Parts<PredictRequest> = {
    images: images.map((image) =>
      image.kind === "encoded"
        ? [image.kind, image.bytes.byteLength]
        : [image.kind, image.width, image.height, image.bytes.byteLength],
    ),
    top: String(top),
    threshold: String(threshold),
    windows,
    draw,
  };
  return keyOf(
    "predict",
    answering,
    parts,
    images.map(({ bytes }) => bytes),
  );
}

function keyOf(
  action: "infer" | "predict",
  { model, version, digest }: Answering,
  parts: object,
  bytes: readonly Uint8Array[],
): Uint8Array {
  const head = Buffer.from(JSON.stringify([action, model, version, digest, parts]));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(head.byteLength));
  const hash = createHash("sha256").update(length).update(head);
  for (const each of bytes) hash.update(each);
  return hash.digest();
}

function sizesOf(tensor: Tensor): number | number[] {
  return tensor.datatype === "BYTES"
    ? tensor.data.map(({ byteLength }) => byteLength)
    : tensor.data.byteLength;
}

function bytesOf(tensor: Tensor): readonly Uint8Array[] {
  if (tensor.datatype === "BYTES") return tensor.data;
  const { buffer, byteOffset, byteLength } = tensor.data;
  return [new Uint8Array(buffer, byteOffset, byteLength)];
}

/** In the order of their names: a record has none. */
function parametersOf(parameters: Parameters = {}): unknown {
  return Object.entries(parameters)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => [name, typeof value, String(value)]);
}
