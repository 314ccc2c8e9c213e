/**
 * The models of a folder, or of one file, in service: see `scan` for what a folder holds.
 *
 *     look     names of the folder                     at the start, by `load`, every `pollMs`
 *     settle   the files are the same in two looks     not where somebody waits for the answer
 *     take     a copy of the bytes, and their digest
 *     load     gate, trial process, session, a run     two at once
 *     check    the file still has these bytes
 *     record   an event
 *     switch   new requests go to the new version
 *     drain    the old one answers what it took, and is closed
 */
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  type CupelError,
  errorFrom,
  openGate,
  openTemporaryFolder,
  reasonOf,
  silentSink,
  throwIfCancelled,
} from "@cupel/base";
import { type EngineCache, openEngineCache } from "@cupel/runtime";
import type { IndexEntry } from "../core/metadata.ts";
import { serveErrors } from "../errors.ts";
import { listFolder } from "./list-folder.ts";
import { assertAllowed, loadVersion } from "./load-version.ts";
import type { Lease, ModelRepository } from "./model-repository.ts";
import type { ModelVersion } from "./model-version.ts";
import type { RepositoryOptions } from "./repository-options.ts";
import { type Scan, scan, scanFile } from "./scan.ts";
import { type FoundFile, ServedModel } from "./served-model.ts";
import type { Standing } from "./standing.ts";
import { Turnstile } from "./turnstile.ts";
import { latestVersion } from "./version-policy.ts";
import type { SlotContext } from "./version-slot.ts";

/** Each has a process that tries it and a session that opens: more at once would only wait for the same cores. */
const loadsAtOnce = 2;
/** Where nothing is polled; see `SlotContext`. */
const usualPauseMs = 1000;

/** Whose models are known and not loaded yet. Nothing may be leased before it is started. */
export interface StartingRepository extends ModelRepository {
  /**
   * Loads what is there; or, with what another process of the server has in service, the same.
   * @throws as `openRepository`
   */
  start(signal?: AbortSignal, standing?: Standing | null): Promise<void>;
  standing(): Standing;
}

/**
 * Loads what is there and serves what could be loaded. Disposing of it waits for the leases that are out.
 * @param path a folder, or one `.onnx` file.
 * @throws REPOSITORY_INVALID; MODEL_REFUSED where the gate refuses anything; why the first model failed where none could
 * be loaded; CANCELLED, DEADLINE_EXCEEDED
 */
export async function openRepository(
  path: string,
  options: RepositoryOptions = {},
): Promise<ModelRepository> {
  await using opening = new AsyncDisposableStack();
  const repository = opening.use(await prepareRepository(path, options));
  await repository.start(options.signal);
  opening.move();
  return repository;
}

/** The same in two steps: looks at the folder only. @throws REPOSITORY_INVALID */
export async function prepareRepository(
  path: string,
  options: RepositoryOptions = {},
): Promise<StartingRepository> {
  await using opening = new AsyncDisposableStack();
  const isFolder = await isFolderAt(path);
  const work = opening.use(await openTemporaryFolder("serve"));
  const cache = await cacheOf(options);
  const repository = new FolderRepository({ path, isFolder, workFolder: work.path, cache }, options);
  opening.use(repository);
  await repository.prepare();
  const opened = opening.move();
  return {
    lease: (model, version) => repository.lease(model, version),
    versions: (model) => repository.versions(model),
    index: () => repository.index(),
    load: (model, signal) => repository.load(model, signal),
    unload: (model) => repository.unload(model),
    start: (signal, standing) => repository.start(signal, standing),
    standing: () => repository.standing(),
    get isReady() {
      return repository.isReady;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A server that cannot keep what it made serves all the same. */
async function cacheOf({ cacheFolder, log }: RepositoryOptions): Promise<EngineCache | null> {
  if (cacheFolder === undefined) return null;
  try {
    return await openEngineCache(cacheFolder);
  } catch (thrown) {
    const error = errorFrom(thrown);
    log?.({ level: "warn", message: error.message, model: "", version: "", error });
    return null;
  }
}

interface RepositoryPlaces {
  readonly path: string;
  readonly isFolder: boolean;
  readonly workFolder: string;
  readonly cache: EngineCache | null;
}

class FolderRepository implements StartingRepository {
  readonly #path: string;
  readonly #isFolder: boolean;
  readonly #options: RepositoryOptions;
  readonly #context: Omit<SlotContext, "inTurn" | "drain">;
  readonly #models = new Map<string, ServedModel>();
  readonly #closing = new AbortController();
  readonly #loads = new Turnstile(loadsAtOnce);
  /** Polls under way. */
  readonly #polls = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | null = null;
  /** What the folder could not be read for, at the last look. */
  #unreadable = "";

  constructor({ path, isFolder, workFolder, cache }: RepositoryPlaces, options: RepositoryOptions) {
    this.#path = path;
    this.#isFolder = isFolder;
    this.#options = options;
    const {
      gate = openGate,
      sink = silentSink,
      trial = {},
      threads,
      spins = false,
      instances = 1,
      parts = {},
      pollMs,
    } = options;
    const log = options.log ?? (() => {});
    this.#context = {
      sink,
      workFolder,
      closing: this.#closing.signal,
      pollMs: pollMs ?? usualPauseMs,
      log,
      ask: ({ model, version }, origin, signal) =>
        assertAllowed(gate, { model, version }, { path: origin, files: [] }, signal),
      load: ({ model, version }, origin, content, signal, isLetIn = false) =>
        this.#loads.pass(
          () => {
            const remark = (message: string) => log({ level: "warn", message, model, version });
            const asked = isLetIn ? openGate : gate;
            const loading = { gate: asked, trial, cache, threads, spins, instances, parts, remark };
            return loadVersion({ model, version }, origin, content, loading, signal);
          },
          `Loading the model "${model}"`,
          signal,
        ),
    };
  }

  async prepare(): Promise<void> {
    await this.#look();
    if (this.#models.size > 0 || this.#options.pollMs !== undefined) return;
    throw serveErrors.error(
      "REPOSITORY_INVALID",
      `${this.#path} holds no model. Give a folder with NAME.onnx or NAME/1/model.onnx, or one .onnx file.`,
      { details: { path: this.#path } },
    );
  }

  async start(asked?: AbortSignal, standing: Standing | null = null): Promise<void> {
    const signal = this.#untilClosed(asked);
    const failures: CupelError[] = [];
    const load = (model: ServedModel) =>
      model.load(signal).catch((thrown) => void failures.push(errorFrom(thrown, signal)));
    if (standing === null) {
      await this.#assertAllowed(signal);
      await Promise.all([...this.#models.values()].map(load));
    } else await this.#resume(standing, load, signal);
    throwIfCancelled(asked, "Opening the repository");
    const refused = failures.find(({ code }) => code === "MODEL_REFUSED");
    if (refused) throw refused;
    const models = [...this.#models.values()];
    if (failures[0] && models.every(({ ready }) => ready.length === 0)) throw failures[0];
    this.#schedule();
  }

  /** @throws MODEL_REFUSED, what the gate throws */
  async #assertAllowed(signal: AbortSignal): Promise<void> {
    const verdict = await this.#options.gate?.allowFolder?.(this.#path, signal);
    if (verdict === undefined || verdict.allowed) return;
    throw serveErrors.error("MODEL_REFUSED", `What lies in ${this.#path} was refused: ${verdict.reason}`, {
      details: { path: this.#path, ...verdict.details },
    });
  }

  /** What only the folder has is found by the next look, as the other process finds it. */
  async #resume(
    standing: Standing,
    load: (model: ServedModel) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const named = new Set(standing.map(({ model }) => model));
    for (const name of this.#models.keys()) if (!named.has(name)) this.#models.delete(name);
    const resumed = standing.map(async (each) => {
      const model = this.#model(each.model);
      try {
        await model.resume(each, signal);
      } catch (thrown) {
        // The other process may be gone, and its copies with it; the file has what is next best.
        const error = errorFrom(thrown, signal);
        this.#warn(`What is in service elsewhere cannot be taken over: ${error.message}`, each.model, error);
        await load(model);
      }
    });
    await Promise.all(resumed);
  }

  standing(): Standing {
    return [...this.#models.values()].map((model) => model.standing);
  }

  lease(model: string, version?: string): Lease {
    return this.#known(model).lease(version);
  }

  versions(model: string): readonly ModelVersion[] {
    return this.#known(model).ready;
  }

  index(): readonly IndexEntry[] {
    return [...this.#models.values()].flatMap((model) => model.index());
  }

  async load(name: string, asked?: AbortSignal): Promise<void> {
    const signal = this.#untilClosed(asked);
    await this.#look();
    throwIfCancelled(signal, `Loading the model "${name}"`);
    const model = this.#known(name);
    await model.load(signal);
    this.#forget();
    if (!model.isFound) throw this.#unknown(name);
  }

  async unload(model: string): Promise<void> {
    // It may have come since the last look, which would load it.
    if (!this.#models.has(model)) await this.#look();
    await this.#known(model).unload(this.#closing.signal);
  }

  get isReady(): boolean {
    return [...this.#models.values()].every(({ isMissed }) => !isMissed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#closing.abort();
    await Promise.all(this.#polls);
    await Promise.all([...this.#models.values()].map((model) => model.close()));
  }

  #model(name: string): ServedModel {
    const policy = this.#options.policyOf?.(name) ?? latestVersion;
    const model = this.#models.get(name) ?? new ServedModel(name, policy, this.#context);
    this.#models.set(name, model);
    return model;
  }

  #known(name: string): ServedModel {
    const model = this.#models.get(name);
    if (model) return model;
    throw this.#unknown(name);
  }

  /** The others are not named: whoever asks may not be allowed to know of them. The index lists those he may. */
  #unknown(name: string): CupelError {
    return serveErrors.error(
      "MODEL_UNKNOWN",
      `There is no model "${name}". The index (POST /v2/repository/index) lists those there are.`,
    );
  }

  #untilClosed(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, signal]);
  }

  /** @throws REPOSITORY_INVALID where the folder cannot be read */
  async #look(): Promise<void> {
    const found = new Map<string, Map<string, FoundFile>>();
    const put = (model: string, version: string, file: FoundFile) => {
      const versions = found.get(model) ?? new Map<string, FoundFile>();
      found.set(model, versions.set(version, file));
    };
    const { versions, problems } = await this.#scan();
    const folder = this.#isFolder ? this.#path : dirname(this.#path);
    for (const { model, version, path } of versions) {
      put(model, version, { kind: "file", path: join(folder, ...path) });
    }
    for (const { model, version, reason } of problems) put(model, version, { kind: "problem", reason });
    for (const name of found.keys()) this.#model(name);
    for (const [name, model] of this.#models) model.find(found.get(name) ?? new Map());
  }

  async #scan(): Promise<Scan> {
    try {
      if (this.#isFolder) return scan(await listFolder(this.#path));
      await stat(this.#path);
      return scanFile(basename(this.#path));
    } catch (thrown) {
      throw unreadable(this.#path, thrown);
    }
  }

  /** Models that are neither in the folder nor in service any more. */
  #forget(): void {
    for (const [name, model] of this.#models) if (!model.isKnown) this.#models.delete(name);
  }

  #schedule(): void {
    const { pollMs } = this.#options;
    if (pollMs === undefined || this.#closing.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#poll().finally(() => this.#schedule()), pollMs);
    this.#timer.unref();
  }

  /** Models are looked after beside each other: one that takes long holds up no other, nor the next look. */
  async #poll(): Promise<void> {
    try {
      await this.#look();
      this.#unreadable = "";
    } catch (thrown) {
      const error = errorFrom(thrown);
      if (error.message !== this.#unreadable) this.#warn(error.message, "", error);
      this.#unreadable = error.message;
      return;
    }
    this.#forget();
    for (const model of this.#models.values()) {
      const poll = model.poll(this.#closing.signal).catch((thrown) => {
        if (this.#closing.signal.aborted) return;
        const error = errorFrom(thrown);
        this.#warn(`Looking after the model "${model.name}" failed: ${error.message}`, model.name, error);
      });
      this.#polls.add(poll);
      void poll.then(() => this.#polls.delete(poll));
    }
  }

  #warn(message: string, model: string, error: CupelError): void {
    this.#context.log({ level: "warn", message, model, version: "", error });
  }
}

/** @throws REPOSITORY_INVALID */
async function isFolderAt(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
}

function unreadable(path: string, thrown: unknown): CupelError {
  return serveErrors.error("REPOSITORY_INVALID", `${path} cannot be read: ${reasonOf(thrown)}`, {
    cause: thrown,
    details: { path },
  });
}
