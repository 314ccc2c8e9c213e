/**
 * Tensors in a file: safetensors, https://huggingface.co/docs/safetensors, which any tool can open. Eight bytes
 * with the length of a JSON header, the header, the elements. Of its metadata, texts by key, one is ours: the
 * SHA-256 of everything else, so that a damaged file is recognised.
 */

import { createHash } from "node:crypto";
import { setOwn } from "@cupel/base";
import { bytesOf } from "@cupel/onnx";
import { float32Of, readSafetensors, type SafetensorsEntry } from "@cupel/runtime";

export interface StoredTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

export interface Safetensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
}

const metadataKey = "__metadata__";
const digestKey = "sha256";
const lengthBytes = 8;

/** Chunks to be written one after the other. */
export function encodeSafetensors({ metadata, tensors }: Safetensors): Uint8Array[] {
  const entries: Record<string, SafetensorsEntry> = {};
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { dims, data }] of Object.entries(tensors)) {
    const end = offset + data.byteLength;
    setOwn(entries, name, { dtype: "F32", shape: dims, data_offsets: [offset, end] });
    chunks.push(bytesOf(data));
    offset = end;
  }
  const sha256 = digestOf(metadata, entries, chunks);
  const json = JSON.stringify({ [metadataKey]: { ...metadata, [digestKey]: sha256 }, ...entries });
  // Spaces behind the header put the elements on a multiple of eight bytes.
  const bytes = Buffer.from(json);
  const header = Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7, " ")]);
  const length = Buffer.alloc(lengthBytes);
  length.writeBigUInt64LE(BigInt(header.length));
  return [length, header, ...chunks];
}

/** @throws Error in plain words when the file is not whole, or not one of ours */
export function decodeSafetensors(file: Uint8Array): Safetensors {
  const { metadata: found, entries, body, tensors: all } = readSafetensors(file);
  const { [digestKey]: sha256, ...metadata } = found;
  if (sha256 !== digestOf(metadata, entries, [body])) {
    throw new Error("its content is not what its SHA-256 says");
  }
  const tensors = Object.entries(all).map(([name, tensor]): [string, StoredTensor] => [
    name,
    { dims: tensor.dims, data: float32Of(tensor) },
  ]);
  return { metadata, tensors: Object.fromEntries(tensors) };
}

function digestOf(
  metadata: Readonly<Record<string, string>>,
  entries: Readonly<Record<string, SafetensorsEntry>>,
  chunks: readonly Uint8Array[],
): string {
  const hash = createHash("sha256").update(JSON.stringify([metadata, entries]));
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}
