/** A Model to files. The model, and its weights file if it has one, appear whole or not at all. */
import { createHash } from "node:crypto";
import { basename, dirname, extname, join } from "node:path";
import { writeFileAtomically } from "@cupel/base";
import type { ExternalPlace, Model, Tensor } from "../graph/index.ts";
import { byteLengthOfAll, encodeModel } from "./encode.ts";
import { externalAlignment } from "./external-data.ts";

/** Protobuf cannot hold more than 2 GiB in one message. */
const protobufLimit = 2 ** 31 - 1;

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * Put weights of at least `minBytes` (default 4096) into a file of their own beside the model, each
   * at a multiple of 4096 bytes. Default: only when the model would pass protobuf's 2 GiB.
   */
  readonly externalData?: { readonly minBytes?: number };
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
  if (!options.externalData) {
    const chunks = encodeModel(model);
    const bytes = byteLengthOfAll(chunks);
    if (bytes <= protobufLimit) {
      await writeFileAtomically(path, chunks, { signal: options.signal });
      return { path, dataPath: null, bytes };
    }
  }
  const tensors = largeTensors(model, options.externalData?.minBytes ?? externalAlignment);
  // Named by its contents: an older model beside it never finds other weights under its own name.
  const digest = createHash("sha256");
  for (const tensor of tensors) digest.update(tensor.bytes());
  const location = `${basename(path, extname(path))}.${digest.digest("hex").slice(0, 12)}.data`;
  const places = layOut(tensors, location);
  const dataPath = join(dirname(path), location);
  await writeFileAtomically(dataPath, alignedChunks(places), { signal: options.signal });
  const chunks = encodeModel(model, (tensor) => places.get(tensor) ?? "inside");
  await writeFileAtomically(path, chunks, { signal: options.signal });
  const last = [...places.values()].at(-1);
  return { path, dataPath, bytes: byteLengthOfAll(chunks) + (last ? last.offset + last.length : 0) };
}

function largeTensors(model: Model, minBytes: number): Set<Tensor> {
  const constants = Array.from(model.graph.initializers, (value) => value.constant!);
  return new Set(constants.filter((tensor) => tensor.type !== "string" && tensor.byteLength >= minBytes));
}

function layOut(tensors: Iterable<Tensor>, location: string): Map<Tensor, ExternalPlace> {
  const places = new Map<Tensor, ExternalPlace>();
  let end = 0;
  for (const tensor of tensors) {
    const offset = Math.ceil(end / externalAlignment) * externalAlignment;
    places.set(tensor, { location, offset, length: tensor.byteLength });
    end = offset + tensor.byteLength;
  }
  return places;
}

function* alignedChunks(places: ReadonlyMap<Tensor, ExternalPlace>): Iterable<Uint8Array> {
  let end = 0;
  for (const [tensor, place] of places) {
    yield new Uint8Array(place.offset - end);
    yield tensor.bytes();
    end = place.offset + place.length;
  }
}
