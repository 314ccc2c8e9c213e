/**
 * The graphs that the engine made of models, kept in files, so that the next start does not make them again and processes
 * with the same model share its weights: these lie in a file of their own, each on pages of its own and in the layout that
 * the kernels read, and the engine maps that file instead of reading it.
 *
 *     FOLDER/KEY/graph.onnx    the optimised graph
 *     FOLDER/KEY/weights.bin   its large weights
 *     FOLDER/KEY/entry         KEY, and the SHA-256 of both as `sha256sum` prints them
 *
 * KEY is the digest of all that the graph depends on: the model's own digest, the engine's version, the processor, and how
 * the engine was set up. An entry appears whole or not at all, is never written to again, and is read through before it is
 * used: one that is damaged, or of another form, is removed and made anew. Who can write to the folder could make entry
 * and digests fit each other: a folder that others than its owner may write to is refused.
 *
 * What the engine cannot share: 8-bit convolutions repack their weights at every start into memory of their own (ONNX
 * Runtime 1.30); convolutions in float32, and matrix products of both kinds, are mapped as they are.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  baseErrors,
  CupelError,
  fileDigest,
  removePartial,
  temporaryBeside,
  throwIfCancelled,
  writeError,
} from "@cupel/base";
import { cpuFeatures } from "../processor/cpu.ts";
import { type EngineTuning, engineOptions } from "./engine-options.ts";
import { engineVersion } from "./engine-version.ts";

export interface CacheKey extends EngineTuning {
  /** Of the model and its external weights; the caller's own, as long as it tells models apart for certain. */
  readonly digest: string;
}

/** For `openSession` or `tryIsolated`: opened with these, the engine leaves what the cache keeps. */
export interface CacheTarget {
  readonly optimisedModelPath: string;
  readonly configEntries: Readonly<Record<string, string>>;
}

export interface EngineCache {
  /**
   * Path of the graph to open instead of the model, with `cachedGraph` among the options; null where there is none, or it is
   * not as it was written.
   */
  find(key: CacheKey, signal?: AbortSignal): Promise<string | null>;
  /**
   * Has a graph made, and keeps it. @param build MUST open the model with these options, and close it.
   * @returns as `find` does: null also where the engine wrote nothing.
   * @throws what `build` throws, WRITE_FAILED, DISK_FULL, CANCELLED
   */
  fill(
    key: CacheKey,
    build: (target: CacheTarget) => Promise<unknown>,
    signal?: AbortSignal,
  ): Promise<string | null>;
}

/** The graph is what the engine made already. */
export const cachedGraph = { optimization: "disabled" } as const satisfies EngineTuning;

const graphFile = "graph.onnx";
const weightsFile = "weights.bin";
const entryFile = "entry";
const form = "cupel engine cache 1";
/** Smaller weights stay in the graph, for each external one takes a page of 4096 bytes at least. */
const leastExternalBytes = 4096;
/** Those used last, of all models and engines. */
const entriesKept = 64;
const what = "Looking into the engine's cache";

/**
 * @param folder made where it is not there, for its owner alone.
 * @throws OPTION_INVALID where it is no folder, another user's, or others may write to it; WRITE_FAILED
 */
export async function openEngineCache(folder: string): Promise<EngineCache> {
  const root = resolve(folder);
  await claimFolder(root);
  const placeOf = (key: CacheKey) => {
    const name = keyOf(key);
    return { name, place: join(root, name) };
  };
  const find: EngineCache["find"] = async (key, signal) => {
    const { name, place } = placeOf(key);
    const told = await readFile(join(place, entryFile), "utf8").catch(() => null);
    if (told === null) return null;
    if (told !== (await entryOf(name, place, signal))) {
      await rm(place, { recursive: true, force: true });
      return null;
    }
    // For the order in which entries are dropped.
    await utimes(place, new Date(), new Date()).catch(() => {});
    return join(place, graphFile);
  };
  return {
    find,
    async fill(key, build, signal) {
      const { name, place } = placeOf(key);
      await removePartial(place);
      const making = temporaryBeside(place);
      try {
        await mkdir(making, { mode: 0o700 });
        await build({
          optimisedModelPath: join(making, graphFile),
          configEntries: { ...key.configEntries, ...savedWith },
        });
        throwIfCancelled(signal, what);
        const entry = await entryOf(name, making, signal);
        if (entry === null) return null;
        await writeFile(join(making, entryFile), entry);
        await rename(making, place).catch((thrown) => {
          // Another process was faster: what it wrote is looked at like any other.
          if (!existsSync(place)) throw writeError(place, thrown);
        });
        await dropOldest(root);
        return await find(key, signal);
      } finally {
        await rm(making, { recursive: true, force: true });
      }
    },
  };
}

/** The large weights apart, and in the form that kernels take: what a kernel would repack is repacked once. */
const savedWith = {
  "session.optimized_model_external_initializers_file_name": weightsFile,
  "session.optimized_model_external_initializers_min_size_in_bytes": String(leastExternalBytes),
  "session.save_external_prepacked_constant_initializers": "1",
} as const;

/** Threads are not among it: they change no layout. */
function keyOf({ digest, ...tuning }: CacheKey): string {
  const { optimization, executionProviders, configEntries } = engineOptions(tuning);
  const { model, architecture, features } = cpuFeatures();
  const parts = [
    form,
    digest,
    engineVersion(),
    [process.platform, architecture, model, ...features],
    [optimization, executionProviders, Object.entries(configEntries).sort()],
  ];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** What the entry of these files says; null where there is no graph. A model of small weights has no file of them. */
async function entryOf(name: string, place: string, signal: AbortSignal | undefined): Promise<string | null> {
  const lines = [name];
  for (const file of [graphFile, weightsFile]) {
    const digest = await digestOf(join(place, file), signal);
    if (digest !== null) lines.push(`${digest}  ${file}`);
    else if (file === graphFile) return null;
  }
  return `${lines.join("\n")}\n`;
}

/** Null where it is not there, or not to be read: there is no such entry then. */
async function digestOf(path: string, signal: AbortSignal | undefined): Promise<string | null> {
  try {
    return await fileDigest(path, { signal, what });
  } catch (thrown) {
    if (thrown instanceof CupelError) throw thrown;
    return null;
  }
}

async function claimFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    throw writeError(folder, thrown);
  }
  const found = await lstat(folder);
  const user = process.getuid?.();
  const problem = !found.isDirectory()
    ? "it is no folder"
    : user !== undefined && found.uid !== user
      ? "it belongs to another user"
      : user !== undefined && (found.mode & 0o022) !== 0
        ? "others than its owner may write to it"
        : null;
  if (problem === null) return;
  throw baseErrors.error(
    "OPTION_INVALID",
    `The engine's cache cannot be in ${folder}: ${problem}. What lies there is loaded: give a folder that only this user can write to.`,
    { details: { folder } },
  );
}

async function dropOldest(root: string): Promise<void> {
  const entries: { place: string; used: number }[] = [];
  for (const name of await readdir(root)) {
    if (!/^[0-9a-f]{64}$/.test(name)) continue;
    const place = join(root, name);
    const found = await stat(place).catch(() => null);
    if (found) entries.push({ place, used: found.mtimeMs });
  }
  entries.sort((a, b) => b.used - a.used);
  for (const { place } of entries.slice(entriesKept)) await rm(place, { recursive: true, force: true });
}
