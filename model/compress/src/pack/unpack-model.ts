/**
 * A packed model back to the files that it was made of, to the byte. No file takes its name before the digests of all of them are
 * what they were: the model is written first and named last, so that it is never there without its weights.
 */
import { createHash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import {
  assertWritable,
  baseErrors,
  bytesText,
  createTurns,
  fileDigest,
  openRegular,
  type ProgressTask,
  reasonOf,
  silentProgress,
  throwIfCancelled,
  type WorkOptions,
  writeFileAtomically,
} from "@cupel/base";
import { assertOtherFile } from "../compress-file.ts";
import { compressErrors } from "../errors.ts";
import { decodePart } from "./coders.ts";
import {
  damaged,
  extentsInOrder,
  type PackedFile,
  partLength,
  readHeader,
  readPart,
  type Take,
} from "./container.ts";

export interface UnpackOptions extends WorkOptions {
  /** The model to write; the files of its weights go beside it, under the names that the model knows them by. */
  readonly out: string;
  /** Of all files together. Default: 200 times what the packed file has, or 64 MiB where that is more. */
  readonly maxBytes?: number | undefined;
}

export interface UnpackedModel {
  /** As they were written, the model first. */
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
  readonly bytes: { readonly packed: number; readonly unpacked: number };
}

/** Bytes for each byte of the packed file, and in all however small it is; the larger of both. */
const mostGrowth = 200;
const smallContent = 2 ** 26;

/**
 * Memory is bounded by what the layout allows, 64 MiB of parts at most and usually a few, whatever the container says.
 * @throws MODEL_NOT_FOUND, PACKED_UNKNOWN, PACKED_TOO_NEW, PACKED_TRUNCATED, PACKED_DAMAGED, PACKED_TOO_LARGE,
 * UNPACK_WOULD_REPLACE, OUTPUT_IS_INPUT, WRITE_FAILED, DISK_FULL, CANCELLED
 */
export async function unpackModel(path: string, options: UnpackOptions): Promise<UnpackedModel> {
  const { out, signal, progress = silentProgress } = options;
  await assertOtherFile(out, path);
  await using file = await opened(path);
  let at = 0;
  const { size } = await file.stat();
  const take: Take = async (length) => {
    throwIfCancelled(signal, "Unpacking");
    if (length > size - at) throw truncated(path, size);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await file.read(bytes, done, length - done, at + done);
      if (bytesRead === 0) throw truncated(path, size);
      done += bytesRead;
    }
    at += length;
    return bytes;
  };
  const maxBytes = options.maxBytes ?? Math.max(smallContent, mostGrowth * size);
  const packed = await readHeader(take);
  const unpacked = packed.reduce((sum, { bytes }) => sum + bytes, 0);
  if (unpacked > maxBytes) {
    throw compressErrors.error(
      "PACKED_TOO_LARGE",
      `${path} says that it holds ${bytesText(unpacked)}, more than the ${bytesText(maxBytes)} allowed. If you trust it, allow more with --max-bytes.`,
      { details: { path, bytes: unpacked, maxBytes } },
    );
  }
  const files = packed.map((each, i) => ({ ...each, path: i === 0 ? out : join(dirname(out), each.name) }));
  await assertWritable(files.map((each) => each.path));
  for (const each of files.slice(1)) await assertFree(each, out, signal);

  using task = progress.start("Unpacking", unpacked, "bytes");
  const write = async (index: number): Promise<void> => {
    const each = files[index];
    if (each === undefined) {
      if (at !== size) throw damaged("bytes follow its end");
      return;
    }
    const chunks = async function* () {
      yield* restored(each, take, task);
      // Files take their names from the last to the first, when all are there.
      await write(index + 1);
    };
    await writeFileAtomically(each.path, chunks(), { signal });
  };
  await write(0);
  return {
    files: files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
    bytes: { packed: size, unpacked },
  };
}

async function opened(path: string) {
  try {
    return await openRegular(path);
  } catch (thrown) {
    throw baseErrors.error("MODEL_NOT_FOUND", `Cannot read the packed model ${path}: ${reasonOf(thrown)}`, {
      cause: thrown,
      details: { path },
    });
  }
}

/** A container may come from anybody: it makes files beside the model, and replaces none. @throws UNPACK_WOULD_REPLACE */
async function assertFree(
  { path, name, bytes, sha256 }: PackedFile & { readonly path: string },
  out: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const folder = await nearest(dirname(path));
  const home = await nearest(dirname(out));
  const isInside = !relative(home, folder).startsWith("..");
  const found = await stat(path).catch(() => null);
  const isSame =
    found?.isFile() &&
    found.size === bytes &&
    (await fileDigest(path, { signal, what: "Unpacking" })) === sha256;
  const isModel = resolve(path).toLowerCase() === resolve(out).toLowerCase();
  if (isInside && (found === null || isSame) && !isModel) return;
  throw compressErrors.error(
    "UNPACK_WOULD_REPLACE",
    `The packed model holds its weights as "${name}", and ${isInside ? `${path} is another file` : `${dirname(path)} leads elsewhere`}. Unpack into another folder.`,
    { details: { path } },
  );
}

/** The real path of a folder, or of the one around it that is there. */
async function nearest(folder: string): Promise<string> {
  return await realpath(folder).catch(async () => {
    const around = dirname(folder);
    return around === folder ? folder : await nearest(around);
  });
}

/** The bytes of one file in order. @throws PACKED_TRUNCATED, PACKED_DAMAGED */
async function* restored(file: PackedFile, take: Take, task: ProgressTask): AsyncIterable<Uint8Array> {
  const hash = createHash("sha256");
  const held = new Map<number, Uint8Array>();
  const turn = createTurns();
  for (const { part, offset, length, isLast } of extentsInOrder(file.parts)) {
    let bytes = held.get(part);
    if (bytes === undefined) {
      await turn();
      const extents = file.parts[part]!;
      const { coding, coded } = await readPart(take);
      try {
        bytes = decodePart(
          coded,
          partLength(extents),
          extents.map((each) => each.length),
          coding,
        );
      } catch (thrown) {
        throw damaged(`a part of ${file.name} cannot be decoded: ${reasonOf(thrown)}`);
      }
    }
    if (isLast) held.delete(part);
    else held.set(part, bytes);
    const piece = bytes.subarray(offset, offset + length);
    hash.update(piece);
    task.advance(length);
    yield piece;
  }
  if (hash.digest("hex") !== file.sha256)
    throw damaged(`${file.name} does not have the digest that it had when it was packed`);
}

function truncated(path: string, size: number) {
  return compressErrors.error(
    "PACKED_TRUNCATED",
    `${path} ends before its contents do (${size} bytes). Nothing was written. Was the copy or download cut off?`,
    { details: { path } },
  );
}
