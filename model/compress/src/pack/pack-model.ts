/**
 * A model, with the files that it keeps weights in, to one file for transport. What unpacking gives back are the very bytes that were
 * packed; each part is unpacked again and compared before it is written.
 */

import { realpath } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import {
  assertWritable,
  baseErrors,
  CupelError,
  createTurns,
  fileDigest,
  openRegular,
  reasonOf,
  silentProgress,
  throwIfCancelled,
  type WorkOptions,
  writeFileAtomically,
} from "@cupel/base";
import { locateExternalFile, type TensorPlace, tensorPlaces } from "@cupel/onnx";
import { assertOtherFile } from "../compress-file.ts";
import { compressErrors } from "../errors.ts";
import { choosePartCoding } from "./choose-coding.ts";
import { decodePart } from "./coders.ts";
import { encodeHeader, encodePartHead, mostFiles, nameProblem, type PackedFile } from "./container.ts";
import { FileSource } from "./file-source.ts";
import { type Part, planParts, type Weights } from "./plan-parts.ts";

export interface PackOptions extends WorkOptions {
  /** The file to write. */
  readonly out: string;
}

export interface PackedModel {
  /** The model first. */
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  /** Of all files, and of what was written. */
  readonly bytes: { readonly original: number; readonly packed: number };
}

/**
 * Memory is bounded by a part of 4 MiB and by the structure of the model, whatever its weights take.
 * @throws MODEL_NOT_FOUND, MODEL_NOT_PROTOBUF, EXTERNAL_DATA_MISSING, PACK_UNFIT, PACK_INPUT_CHANGED, OUTPUT_IS_INPUT,
 * WRITE_FAILED, DISK_FULL, CANCELLED
 */
export async function packModel(path: string, options: PackOptions): Promise<PackedModel> {
  const { out, signal, progress = silentProgress } = options;
  const files = await filesOf(path);
  for (const file of files) await assertOtherFile(out, file.path);
  await assertWritable([out]);
  const packed: (PackedFile & InputFile)[] = [];
  for (const file of files) {
    const sha256 = await digest(file, signal);
    packed.push({ ...file, sha256, parts: file.plan.map(({ extents }) => extents) });
  }
  const original = packed.reduce((sum, { bytes }) => sum + bytes, 0);
  using task = progress.start("Packing", original, "bytes");
  let written = 0;
  const counted = async function* () {
    for await (const chunk of chunksOf(packed, signal, (count) => task.advance(count))) {
      written += chunk.byteLength;
      yield chunk;
    }
    for (const file of packed) if ((await digest(file, signal)) !== file.sha256) throw changed(file.path);
  };
  await writeFileAtomically(out, counted(), { signal });
  return {
    files: packed.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })),
    bytes: { original, packed: written },
  };
}

interface InputFile {
  readonly path: string;
  readonly name: string;
  readonly bytes: number;
  readonly plan: readonly Part[];
}

/** The model first, then the files of its weights. */
async function filesOf(path: string): Promise<readonly InputFile[]> {
  const { places, bytes, home } = await placesOf(path);
  const folder = dirname(path);
  const outside = new Map<string, Weights[]>();
  const inside: Weights[] = [];
  for (const place of places) {
    const { name, type, dims, data, external } = place;
    if (data !== null) inside.push({ name, type, dims, ...data });
    if (external === null) continue;
    const location = external.get("location") ?? "";
    const known = outside.get(location);
    if (known === undefined) outside.set(location, externalWeights(place, external));
    else known.push(...externalWeights(place, external));
  }
  const name = basename(path);
  const all: InputFile[] = [{ path, name, bytes, plan: planParts(bytes, inside) }];
  for (const [location, weights] of outside) {
    const { file, size } = locateExternalFile(location, folder, home);
    all.push({ path: file, name: plainName(location), bytes: size, plan: planParts(size, weights) });
  }
  assertFit(path, all);
  return all;
}

async function placesOf(path: string) {
  try {
    await (await openRegular(path)).close();
    using source = new FileSource(path);
    return { places: tensorPlaces(source), bytes: source.length, home: dirname(await realpath(path)) };
  } catch (thrown) {
    if (thrown instanceof CupelError) {
      throw new CupelError(thrown.code, thrown.spec, `${path}: ${thrown.message}`, {
        cause: thrown,
        details: { path },
      });
    }
    throw baseErrors.error("MODEL_NOT_FOUND", `Cannot read the model ${path}: ${reasonOf(thrown)}`, {
      cause: thrown,
      details: { path },
    });
  }
}

/** Without a length it goes to the end of the file, which no plan needs to know; what is wrong with a place is for the reader of the model. */
function externalWeights({ name, type, dims }: TensorPlace, entries: ReadonlyMap<string, string>): Weights[] {
  const start = Number(entries.get("offset") ?? 0);
  const length = Number(entries.get("length") ?? 0);
  const isPlace = [start, length].every((each) => Number.isSafeInteger(each) && each >= 0);
  return isPlace ? [{ name, type, dims, start, length }] : [];
}

/** "./weights.bin" is where "weights.bin" is. */
function plainName(location: string): string {
  return location
    .replaceAll("\\", "/")
    .split("/")
    .filter((part) => part !== "." && part !== "")
    .join("/");
}

function assertFit(path: string, files: readonly InputFile[]): void {
  const name = files.map((each) => each.name);
  const problem =
    files.length > mostFiles
      ? `it has ${files.length} files, and a packed model at most ${mostFiles}`
      : new Set(name.map((each) => each.toLowerCase())).size < name.length
        ? "two of its files would have one name"
        : (name.map((each) => [each, nameProblem(each)] as const).find(([, found]) => found !== null) ??
          null);
  if (problem === null) return;
  const sentence =
    typeof problem === "string" ? problem : `the name of its file "${problem[0]}" ${problem[1]}`;
  throw compressErrors.error("PACK_UNFIT", `${path} cannot be packed: ${sentence}.`, { details: { path } });
}

async function digest({ path }: InputFile, signal: AbortSignal | undefined): Promise<string> {
  return await fileDigest(path, { signal, what: "Packing" });
}

async function* chunksOf(
  files: readonly (PackedFile & InputFile)[],
  signal: AbortSignal | undefined,
  advance: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  yield encodeHeader(files.map(({ name, bytes, sha256, parts }) => ({ name, bytes, sha256, parts })));
  const turn = createTurns();
  for (const { path, plan } of files) {
    using source = new FileSource(resolve(path));
    for (const { extents, elements } of plan) {
      throwIfCancelled(signal, "Packing");
      await turn();
      const bytes = partOf(source, extents, path);
      const lengths = extents.map(({ length }) => length);
      const { coding, coded } = choosePartCoding(bytes, lengths, elements);
      if (Buffer.compare(decodePart(coded, bytes.length, lengths, coding), bytes) !== 0) {
        throw baseErrors.error(
          "INTERNAL",
          `The coder "${coding.coder}" did not give back a part of ${path}.`,
        );
      }
      yield encodePartHead(coding, coded.length);
      yield coded;
      advance(bytes.length);
    }
  }
}

function partOf(source: FileSource, extents: Part["extents"], path: string): Uint8Array {
  try {
    return Buffer.concat(extents.map(({ start, length }) => source.part(start, length)));
  } catch (thrown) {
    throw changed(path, thrown);
  }
}

function changed(path: string, cause?: unknown) {
  return compressErrors.error(
    "PACK_INPUT_CHANGED",
    `${path} changed while it was packed; nothing was written. Pack it again.`,
    {
      cause,
      details: { path },
    },
  );
}
