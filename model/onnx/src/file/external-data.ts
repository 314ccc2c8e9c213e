/**
 * Weights kept in files beside the model (`external_data` of onnx.proto): read lazily, one tensor at a
 * time, and laid out for writing at offsets the operating system can map into memory.
 */
import { closeSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { assertRegular, CupelError, reasonOf } from "@cupel/base";
import { onnxErrors } from "../errors.ts";
import type { TensorSource } from "../graph/index.ts";

/** `TensorProto.DataLocation` of onnx.proto: the elements lie in another file. */
export const externalLocation = 1;

/** Page size of Linux and macOS. A tensor that starts on a page can be mapped instead of read. */
export const externalAlignment = 4096;

export interface ExternalFiles {
  /** @throws EXTERNAL_DATA_MISSING */
  source(entries: ReadonlyMap<string, string>, length: number): TensorSource;
}

export const noExternalFiles: ExternalFiles = {
  source(entries) {
    throw onnxErrors.error(
      "EXTERNAL_DATA_MISSING",
      `Weights lie in the file "${entries.get("location")}", but the model was given as bytes without a folder. ` +
        "Open it by path.",
    );
  },
};

/**
 * The files beside a model in `folder`. A location that leads out of the folder, by name or by link, is refused.
 * @param home where the model itself lies that `folder` has a link to, as in a cache of downloads: a link to a
 * file there is one to a file beside the model.
 */
export function externalFiles(folder: string, home = folder): ExternalFiles {
  return {
    source(entries, length) {
      const location = entries.get("location") ?? "";
      const offset = Number(entries.get("offset") ?? 0);
      const stated = Number(entries.get("length") ?? length);
      const { size, file } = locateExternalFile(location, folder, home);
      const fits = Number.isSafeInteger(offset) && offset >= 0 && offset + length <= size;
      if (stated !== length || !fits) {
        throw missing(
          location,
          `the model wants ${length} bytes at ${offset}, the file has ${size} and the entry says ${stated}`,
        );
      }
      return {
        kind: "external",
        place: { location, offset, length },
        load: () => readRange(file, location, offset, length),
      };
    },
  };
}

/** @param home see `externalFiles`. @returns the file behind all links. @throws EXTERNAL_DATA_MISSING */
export function locateExternalFile(
  location: string,
  folder: string,
  home = folder,
): { readonly size: number; readonly file: string } {
  const path = join(folder, location);
  if (location === "" || isAbsolute(location) || !isInside(folder, path)) throw outside(location);
  return locate([folder, home], path, location);
}

/** Links are followed before the file is judged: a name inside the folder may lead anywhere. */
function locate(folders: readonly string[], path: string, location: string): { size: number; file: string } {
  try {
    const file = realpathSync(path);
    if (!folders.some((folder) => isInside(realpathSync(folder), file))) throw outside(location);
    const found = statSync(file);
    assertRegular(found);
    return { size: found.size, file };
  } catch (thrown) {
    throw thrown instanceof CupelError ? thrown : missing(location, reasonOf(thrown), thrown);
  }
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function outside(location: string) {
  return missing(location, "it must be a relative path inside the model's folder");
}

function readRange(path: string, location: string, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (thrown) {
    throw missing(location, reasonOf(thrown), thrown);
  }
  try {
    let done = 0;
    while (done < length) {
      const count = readSync(file, bytes, done, length - done, offset + done);
      if (count === 0) throw missing(location, `it ended at byte ${offset + done}`);
      done += count;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

function missing(location: string, reason: string, cause?: unknown) {
  return onnxErrors.error(
    "EXTERNAL_DATA_MISSING",
    `The weights file "${location}" cannot be used: ${reason}. Keep it beside the model.`,
    { cause, details: { location } },
  );
}
