/**
 * Opens the session of one version and puts around it what batches its runs and what makes tensors of images. Both are
 * parts from outside, so that the repository knows neither.
 */
import { randomUUID } from "node:crypto";
import type { CupelError } from "@cupel/base";
import { predictErrors } from "@cupel/predict";
import {
  cachedGraph,
  type EngineRun,
  type FeedSizes,
  type Feeds,
  openSession,
  randomFeeds,
  type ValueInfo,
} from "@cupel/runtime";
import type { BatchedRunOptions, ModelVersion } from "./model-version.ts";
import { openSessionGroup, type ServedSession } from "./session-group.ts";

export interface VersionFile {
  readonly model: string;
  readonly version: string;
  /** Stays as it is for as long as the version is open. */
  readonly path: string;
  readonly digest: string;
  /** See `ModelVersion`. */
  readonly properties: Readonly<Record<string, string>>;
}

/** What is known of a version when its parts are made. */
export interface VersionFacts extends VersionFile {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/** Disposing of it answers what it took. */
export interface RunQueue extends AsyncDisposable {
  noRoom(): CupelError | null;
  run(feeds: Feeds, options: BatchedRunOptions): Promise<EngineRun>;
}

export type ImagePart = Pick<ModelVersion, "imageInput" | "prepare" | "predict">;

export interface VersionParts {
  /** Default: each run by itself, in the order they come. The session is closed by whoever opened it. */
  readonly batcher?: ((session: ServedSession, facts: VersionFacts) => RunQueue) | undefined;
  /** Default: no images. @param runs the version's queue, by which images go as well */
  readonly images?:
    | ((facts: VersionFacts, runs: Pick<RunQueue, "run">, signal: AbortSignal) => Promise<ImagePart>)
    | undefined;
}

export interface OpenVersionOptions {
  readonly parts: VersionParts;
  /** Engine threads a run. */
  readonly threads: number | undefined;
  /** Sessions that run side by side. */
  readonly instances: number;
  readonly configEntries: Readonly<Record<string, string>>;
  /** What the engine made of the file before, opened instead of it; null where there is no such graph. */
  readonly graph: string | null;
  /** Sizes that the model leaves open, for its first run: tried in turn. */
  readonly sizes: readonly FeedSizes[];
  readonly signal: AbortSignal;
}

export interface OpenedVersion extends ModelVersion {
  /** Resolves when its session's thread has ended: with THREAD_CRASHED, or null after it was closed. */
  readonly ended: Promise<CupelError | null>;
}

/** Opened and warm: the first caller waits no longer than others. @throws what opening a session and a run throw */
export async function openVersion(file: VersionFile, options: OpenVersionOptions): Promise<OpenedVersion> {
  const { parts, graph, sizes, signal } = options;
  await using opened = new AsyncDisposableStack();
  const session = await openSessionGroup(options.instances, () =>
    openSession(graph ?? file.path, {
      ...(graph === null ? {} : cachedGraph),
      threads: options.threads,
      configEntries: options.configEntries,
      signal,
    }),
  );
  opened.defer(() => session.close({ drain: true }));
  await warmUp(session, sizes, signal);
  const { inputs, outputs } = session;
  const facts: VersionFacts = { ...file, inputs, outputs };
  const runs = opened.use(parts.batcher?.(session, facts) ?? unbatched(session));
  const images = (await parts.images?.(facts, runs, signal)) ?? withoutImages(file.model);
  const closing = opened.move();
  return {
    model: file.model,
    version: file.version,
    digest: file.digest,
    sessionId: randomUUID(),
    inputs,
    outputs,
    properties: file.properties,
    ended: session.ended,
    noRoom: () => runs.noRoom(),
    run: (feeds, runOptions) => runs.run(feeds, runOptions),
    imageInput: images.imageInput,
    prepare: (pictures, call) => images.prepare(pictures, call),
    predict: (request, call) => images.predict(request, call),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** @throws what the first of the sizes, which is the likeliest, failed with */
async function warmUp(
  session: ServedSession,
  sizes: readonly FeedSizes[],
  signal: AbortSignal,
): Promise<void> {
  let failure: unknown = null;
  for (const each of sizes) {
    try {
      return await session.warmUp(randomFeeds(session.inputs, 1, each), { signal });
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      failure ??= thrown;
    }
  }
  throw failure;
}

function unbatched(session: ServedSession): RunQueue {
  return {
    noRoom: () => null,
    run: (feeds, { fetches, call }) => session.timedRun(feeds, { fetches, signal: call.signal }),
    async [Symbol.asyncDispose]() {},
  };
}

function withoutImages(model: string): ImagePart {
  const refuse = () =>
    Promise.reject(predictErrors.error("INPUT_UNSUPPORTED", `The model "${model}" takes no images here.`));
  return { imageInput: null, prepare: refuse, predict: refuse };
}
