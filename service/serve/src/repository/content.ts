/**
 * The bytes of one version, taken when they were digested: the model's file and the files of weights that it names, copied
 * into a folder of the server's own (by reference where the file system can). What is tried and loaded is this copy, so
 * that nothing that happens to the original afterwards reaches the engine: weights are mapped, and a mapped file that is
 * cut short ends the process.
 */
import { constants } from "node:fs";
import { copyFile, mkdir, mkdtemp, realpath, rm, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import {
  assertRegular,
  baseErrors,
  CupelError,
  fileDigest,
  filesDigest,
  type GateFile,
  readRegular,
  reasonOf,
  throwIfCancelled,
} from "@cupel/base";
import { externalLocations, onnxErrors } from "@cupel/onnx";

export interface Content extends AsyncDisposable {
  /** Of the copy of the model's file. */
  readonly path: string;
  /** Files of weights, relative to the model's folder. */
  readonly locations: readonly string[];
  /** SHA-256 in hex of the copies: of the model's file, then of its weights in the order of `locations`. */
  readonly sums: readonly string[];
  /**
   * SHA-256 in hex: of the file where it is the only one; else of the lines that `sha256sum` prints for the file and its
   * weights, in the order of `locations`.
   */
  readonly digest: string;
}

const what = "Reading the model";

/**
 * @param folder where the copy may lie, in one of its own.
 * @throws MODEL_NOT_FOUND, MODEL_NOT_PROTOBUF, EXTERNAL_DATA_MISSING, CANCELLED; WRITE_FAILED where there is no room
 */
export async function takeContent(path: string, folder: string, signal: AbortSignal): Promise<Content> {
  throwIfCancelled(signal, what);
  const own = await mkdtemp(join(folder, "version-"));
  try {
    const copy = join(own, basename(path));
    await copyRegular(path, copy, (reason, cause) => unreadable(path, reason, cause));
    const locations = await locationsIn(copy, path);
    for (const location of locations) {
      throwIfCancelled(signal, what);
      const found = await locate(path, location);
      const to = join(own, location);
      await mkdir(dirname(to), { recursive: true });
      await copyRegular(found, to, (reason, cause) => missing(location, reason, cause));
    }
    const sums = await sumsOf(copy, locations, signal);
    return {
      path: copy,
      locations,
      sums,
      digest: digestOfSums(path, locations, sums),
      [Symbol.asyncDispose]: () => rm(own, { recursive: true, force: true }),
    };
  } catch (thrown) {
    await rm(own, { recursive: true, force: true });
    throw thrown;
  }
}

/**
 * The digest that a server tells of the model at `path`, and so do all events of the record. @throws MODEL_NOT_FOUND,
 * MODEL_NOT_PROTOBUF, EXTERNAL_DATA_MISSING, CANCELLED
 */
export async function modelDigest(path: string, signal?: AbortSignal): Promise<string> {
  return await digestOf(path, await locationsIn(path, path), signal);
}

/** The digest that `takeContent` would give now; the model is not looked into. @throws as it does */
export async function digestOf(
  path: string,
  locations: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  return digestOfSums(path, locations, await sumsOf(path, locations, signal));
}

async function sumsOf(
  path: string,
  locations: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const sums = [await digestOfFile(path, signal)];
  for (const location of locations) sums.push(await digestOfFile(await locate(path, location), signal));
  return sums;
}

function digestOfSums(path: string, locations: readonly string[], sums: readonly string[]): string {
  const names = [basename(path), ...locations];
  return filesDigest(names.map((file, i) => ({ file, sha256: sums[i] ?? "" })));
}

/** Of what was taken from the model at `origin`: where each file came from, and what it is. */
export function gateFiles(origin: string, { locations, sums }: Content): GateFile[] {
  const [model = "", ...weights] = sums;
  const folder = dirname(origin);
  return [
    { path: origin, sha256: model },
    ...locations.map((location, i) => ({ path: join(folder, location), sha256: weights[i] ?? "" })),
  ];
}

/**
 * What the system says of the files without reading them: size, times and which file it is. The same twice means that
 * nobody wrote in between.
 */
export async function stateOf(path: string, locations: readonly string[]): Promise<string> {
  const files = [path, ...locations.map((location) => join(dirname(path), location))];
  const states = files.map(async (file) => {
    const found = await stat(file, { bigint: true }).catch(() => null);
    return found === null ? "absent" : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
  });
  return (await Promise.all(states)).join("\n");
}

async function digestOfFile(path: string, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await fileDigest(path, { signal, what });
  } catch (thrown) {
    throw thrown instanceof CupelError ? thrown : unreadable(path, reasonOf(thrown), thrown);
  }
}

async function copyRegular(
  from: string,
  to: string,
  failure: (reason: string, cause: unknown) => CupelError,
): Promise<void> {
  try {
    assertRegular(await stat(from));
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  } catch (thrown) {
    throw failure(reasonOf(thrown), thrown);
  }
}

/** @param path of the original */
async function locationsIn(file: string, path: string): Promise<readonly string[]> {
  return externalLocations(await bytesOf(file)).filter((each) => each !== basename(path));
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readRegular(path);
  } catch (thrown) {
    throw unreadable(path, reasonOf(thrown), thrown);
  }
}

/**
 * Links are followed before a file is judged; the model itself may be a link into a cache of downloads, and so are its
 * weights then. @throws EXTERNAL_DATA_MISSING
 */
async function locate(path: string, location: string): Promise<string> {
  const folder = dirname(path);
  const named = join(folder, location);
  if (location === "" || isAbsolute(location) || !isInside(folder, named)) throw outside(location);
  try {
    const file = await realpath(named);
    const homes = [await realpath(folder), dirname(await realpath(path))];
    if (homes.some((home) => isInside(home, file))) return file;
  } catch (thrown) {
    throw missing(location, reasonOf(thrown), thrown);
  }
  throw outside(location);
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function unreadable(path: string, reason: string, cause: unknown) {
  return baseErrors.error("MODEL_NOT_FOUND", `Cannot read the model ${path}: ${reason}`, {
    cause,
    details: { path },
  });
}

function outside(location: string) {
  return missing(location, "it must be a relative path inside the model's folder");
}

function missing(location: string, reason: string, cause?: unknown) {
  return onnxErrors.error(
    "EXTERNAL_DATA_MISSING",
    `The weights file "${location}" cannot be used: ${reason}. Keep it beside the model.`,
    { cause, details: { location } },
  );
}
