/** A Model to files. The model, and its weights file if it has one, appear whole or not at all. */
import { createHash } from "node:crypto";
import { basename, dirname, extname, join } from "node:path";
import { writeFileAtomically } from "@cupel/base";
import type { Model } from "../graph/index.ts";
import { byteLengthOfAll, encodedBytes, encodeModel } from "./encode.ts";
import { alignedChunks, largeTensors, layOut, layoutBytes } from "./external-layout.ts";

/** Protobuf cannot hold more than 2 GiB in one message. */
const protobufLimit = 2 ** 31 - 1;

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * Put weights of at least `minBytes` (default 4096) into a file of their own beside the model, each
   * at a multiple of 4096 bytes; a model without such weights is one file. Default: only when the model would pass
   * protobuf's 2 GiB.
   */
  readonly externalData?: { readonly minBytes?: number } | undefined;
}

export interface WrittenModel {
  readonly path: string;
  /** The weights file, when there is one. */
  readonly dataPath: string | null;
  /** Of both files together. */
  readonly bytes: number;
}

/** @throws DISK_FULL, WRITE_FAILED, CANCELLED */
export async function writeModelFile(
  model: Model,
  path: string,
  options: WriteOptions = {},
): Promise<WrittenModel> {
  const tensors = largeTensors(model, options.externalData?.minBytes);
  if (!options.externalData || tensors.size === 0) {
    const chunks = encodeModel(model);
    const bytes = byteLengthOfAll(chunks);
    if (bytes <= protobufLimit) {
      await writeFileAtomically(path, chunks, { signal: options.signal });
      return { path, dataPath: null, bytes };
    }
  }
  // Named by its contents: an older model beside it never finds other weights under its own name.
  const digest = createHash("sha256");
  for (const chunk of alignedChunks(layOut(tensors, ""))) digest.update(chunk);
  const location = locationOf(path, digest.digest("hex"));
  const places = layOut(tensors, location);
  const dataPath = join(dirname(path), location);
  await writeFileAtomically(dataPath, alignedChunks(places), { signal: options.signal });
  const chunks = encodeModel(model, (tensor) => places.get(tensor) ?? "inside");
  await writeFileAtomically(path, chunks, { signal: options.signal });
  return { path, dataPath, bytes: byteLengthOfAll(chunks) + layoutBytes(places) };
}

/**
 * Bytes on disk of what `writeModelFile` would write, external data included: the same encoding, of which nothing is copied
 * or written. The weights are not looked at.
 */
export function writtenBytes(
  model: Model,
  path: string,
  { externalData }: Pick<WriteOptions, "externalData"> = {},
): number {
  const tensors = largeTensors(model, externalData?.minBytes);
  if (!externalData || tensors.size === 0) {
    const bytes = encodedBytes(model);
    if (bytes <= protobufLimit) return bytes;
  }
  const places = layOut(tensors, locationOf(path, "0".repeat(64)));
  return encodedBytes(model, (tensor) => places.get(tensor) ?? "inside") + layoutBytes(places);
}

function locationOf(path: string, digest: string): string {
  return `${basename(path, extname(path))}.${digest.slice(0, 12)}.data`;
}
