/**
 * One version of a model: which bytes of it are in service, and how newer ones come there.
 *
 * Invariants:
 * 1. What is in service stays so until something else was loaded, has run, and is recorded.
 * 2. The bytes that are loaded are the bytes that were digested, and the file still has them after the load.
 * 3. A failure is told once for the same bytes, and remembered until they change.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type CupelError, type EventSink, errorFrom } from "@cupel/base";
import type { onnxErrors } from "@cupel/onnx";
import { serveErrors } from "../errors.ts";
import { type Content, digestOf, stateOf, takeContent } from "./content.ts";
import {
  loadEvent,
  loadFailEvent,
  NotRecorded,
  record,
  type UnloadCause,
  unloadEvent,
} from "./model-events.ts";
import type { OpenedVersion } from "./open-version.ts";
import type { RepositoryLine } from "./repository-options.ts";
import { ServedVersion } from "./served-version.ts";
import type { ServedBytes, VersionStanding } from "./standing.ts";

/** What a version needs of the repository. */
export interface SlotContext {
  readonly sink: EventSink;
  /** Where copies may lie. */
  readonly workFolder: string;
  /** Fires when the repository closes. */
  readonly closing: AbortSignal;
  /** Milliseconds between two looks; the first of the pauses before what failed is tried again. */
  readonly pollMs: number;
  log(line: RepositoryLine): void;
  /** See `loadVersion`. @param isLetIn whether the gate of this process let the same bytes in before */
  load(
    slot: VersionSlot,
    origin: string,
    content: Content,
    signal: AbortSignal,
    isLetIn?: boolean,
  ): Promise<OpenedVersion>;
  /** Of bytes that cannot be taken: whether the gate has a word on that. @throws MODEL_REFUSED */
  ask(slot: VersionSlot, origin: string, signal: AbortSignal): Promise<void>;
  /** Waits for the model's turn. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Keeps an eye on what is being drained. */
  drain(served: ServedVersion): Promise<void>;
}

interface Failure {
  /** "" where the bytes could not be read. */
  readonly digest: string;
  readonly error: CupelError;
  /** How often it was tried. */
  readonly attempts: number;
  /** On the monotonic clock; null where only other bytes can help. */
  readonly retryAt: number | null;
}

/** Somebody waits for the answer: what changes meanwhile is tried again at once, this often. */
const askedAttempts = 3;
const longestPauseMs = 60_000;
/** Before a version whose thread crashed is opened again, doubled with every crash. */
const firstRevivalMs = 100;
const longestRevivalMs = 30_000;
/** A version that has lived so long is not one that crashes all the time. */
const soundMs = 60_000;

export class VersionSlot {
  readonly model: string;
  readonly version: string;
  readonly #context: SlotContext;
  #served: ServedVersion | null = null;
  #failure: Failure | null = null;
  #isLoading = false;
  /** Files of weights that its newest bytes name. */
  #locations: readonly string[] = [];
  /** As the last look found the files; null where the next one counts as the first. */
  #seen: string | null = null;
  /** State of the files whose bytes were dealt with. */
  #handled: string | null = null;
  #crashes = 0;

  constructor(model: string, version: string, context: SlotContext) {
    this.model = model;
    this.version = version;
    this.#context = context;
  }

  /** Null when there is none, or its thread has crashed and it is being opened again. */
  get ready(): ServedVersion | null {
    return this.#served?.isRunning ? this.#served : null;
  }

  /** Whether it holds its place in the policy: it is ready or will be again. */
  get isHeld(): boolean {
    return this.#served !== null;
  }

  get isLoading(): boolean {
    return this.#isLoading;
  }

  /** Of the newest bytes; null where they are in service, or nobody has looked at them. */
  get failure(): CupelError | null {
    return this.#failure?.error ?? null;
  }

  /** As `stateOf` its files. */
  state(path: string): Promise<string> {
    return stateOf(path, this.#locations);
  }

  /**
   * Makes the newest bytes of the file the ones in service, if they can be.
   * @param isAsked true: somebody waits, so that it is not looked at twice before, and what failed is tried again.
   * @returns the failure, where it was tried now; otherwise null. @throws CANCELLED, DEADLINE_EXCEEDED
   */
  async renew(path: string, isAsked: boolean, signal: AbortSignal): Promise<CupelError | null> {
    // Of before the bytes are taken: what is written after that makes another state, which the next look finds.
    let state = await this.state(path);
    const isSettled = isAsked || state === this.#seen;
    this.#seen = state;
    const isDue = isAsked || (this.#failure?.retryAt ?? Number.POSITIVE_INFINITY) <= performance.now();
    if (!isSettled || (state === this.#handled && !isDue)) return null;
    this.#isLoading = true;
    let digest = "";
    try {
      for (let attempt = 1; ; attempt++) {
        await using taken = new AsyncDisposableStack();
        const content = taken.use(await takeContent(path, this.#context.workFolder, signal));
        digest = content.digest;
        if (!this.#knows(content.locations) && !isAsked) return null;
        if (digest === this.ready?.version.digest) return this.#settle(state);
        if (digest === this.#failure?.digest && !isDue) {
          this.#handled = state;
          return null;
        }
        const opened = taken.use(await this.#context.load(this, path, content, signal));
        if ((await digestOf(path, content.locations, signal)) === digest) {
          await this.#switch(opened, content, path);
          taken.move();
          return this.#settle(state);
        }
        this.#seen = null;
        if (!isAsked) return null;
        if (attempt === askedAttempts) throw stillWritten(this);
        state = await this.state(path);
      }
    } catch (thrown) {
      if (signal.aborted) throw errorFrom(thrown, signal);
      if (this.#misses(thrown) && !isAsked) return null;
      const refused = digest === "" ? await this.#refusal(path, signal) : null;
      return await this.#fail(refused ?? thrown, digest, state, isAsked);
    } finally {
      this.#isLoading = false;
    }
  }

  get standing(): VersionStanding {
    const { ready } = this;
    const served = ready && { origin: ready.origin, path: ready.content.path };
    return { version: this.version, locations: this.#locations, served };
  }

  /** As it is in another process. @throws what reading and loading the bytes throw */
  async resume({ locations, served }: VersionStanding, signal: AbortSignal): Promise<void> {
    this.#locations = locations;
    if (served !== null) await this.#adopt(served, signal);
  }

  /** What cannot even be read, such as a version that two files claim. @returns it */
  refuse(error: CupelError, isAsked: boolean): Promise<CupelError> {
    return this.#fail(error, "", null, isAsked);
  }

  /** Takes it out of service. @returns what is to be drained, null where nothing is. @throws NotRecorded: it stays then */
  async unload(cause: UnloadCause): Promise<ServedVersion | null> {
    const served = this.#served;
    if (served === null) return null;
    await record(this.#context.sink, unloadEvent(this, served.version.digest, cause));
    this.#log("info", `Version ${this.version} of the model "${this.model}" is unloaded (${cause}).`);
    this.#served = null;
    this.#handled = null;
    return served;
  }

  /** Forgets what it waits for, without a word to anybody: the repository closes. */
  abandon(): ServedVersion | null {
    const served = this.#served;
    this.#served = null;
    return served;
  }

  async #switch(opened: OpenedVersion, content: Content, origin: string): Promise<void> {
    const old = this.#served;
    await record(
      this.#context.sink,
      loadEvent(this, opened.digest, old === null ? null : old.version.digest),
    );
    const served = new ServedVersion(opened, content, origin);
    this.#served = served;
    const started = performance.now();
    void opened.ended.then((crash) => {
      if (crash === null || this.#served !== served) return;
      if (performance.now() - started > soundMs) this.#crashes = 0;
      void this.#revive(served, crash);
    });
    this.#log(
      "info",
      `Version ${this.version} of the model "${this.model}" is in service: ${opened.digest}.`,
    );
    if (old !== null) void this.#context.drain(old);
  }

  /** From the copy that is there, whatever has become of the file. Ends when something else was loaded or unloaded. */
  async #revive(crashed: ServedVersion, crash: CupelError): Promise<void> {
    const { closing, sink } = this.#context;
    const { digest } = crashed.version;
    this.#log(
      "error",
      `The session of version ${this.version} of "${this.model}" crashed; it is opened again.`,
      crash,
    );
    await record(sink, unloadEvent(this, digest, "crashed")).catch((thrown: unknown) =>
      this.#unrecorded(thrown),
    );
    while (this.#served === crashed && !closing.aborted) {
      const pause = Math.min(firstRevivalMs * 2 ** this.#crashes++, longestRevivalMs);
      try {
        await delay(pause, undefined, { signal: closing, ref: false });
        await this.#context.inTurn(async () => {
          if (this.#served !== crashed) return;
          await this.#adopt({ path: crashed.content.path, origin: crashed.origin }, closing, digest);
        });
      } catch (thrown) {
        if (!closing.aborted) await this.#fail(thrown, digest, this.#handled, false);
      }
    }
  }

  /**
   * Takes a copy into service that was in service before, whatever has become of the file.
   * @param letIn digest of bytes that were in service here: the gate is not asked for the same again, for it would look at
   * files that may be others by now
   */
  async #adopt({ path, origin }: ServedBytes, signal: AbortSignal, letIn?: string): Promise<void> {
    await using taken = new AsyncDisposableStack();
    const content = taken.use(await takeContent(path, this.#context.workFolder, signal));
    const isLetIn = content.digest === letIn;
    const opened = taken.use(await this.#context.load(this, origin, content, signal, isLetIn));
    await this.#switch(opened, content, origin);
    taken.move();
    this.#failure = null;
  }

  /** What was tampered with may not even be read: the gate knows why. */
  async #refusal(path: string, signal: AbortSignal): Promise<CupelError | null> {
    try {
      await this.#context.ask(this, path, signal);
      return null;
    } catch (thrown) {
      return errorFrom(thrown, signal);
    }
  }

  /** Whether the bytes name the files of weights that were looked at; from now on these are. */
  #knows(locations: readonly string[]): boolean {
    const isKnown = locations.join("\n") === this.#locations.join("\n");
    this.#locations = locations;
    if (!isKnown) this.#seen = null;
    return isKnown;
  }

  /** Weights that are not there may be on their way: they are looked at from now on. @returns whether they were not before */
  #misses(thrown: unknown): boolean {
    const { code, details } = errorFrom(thrown);
    const { location } = details;
    if (code !== missingWeights || typeof location !== "string" || this.#locations.includes(location)) {
      return false;
    }
    this.#locations = [...this.#locations, location];
    this.#seen = null;
    return true;
  }

  #settle(state: string): null {
    this.#handled = state;
    this.#failure = null;
    return null;
  }

  async #fail(thrown: unknown, digest: string, state: string | null, isAsked: boolean): Promise<CupelError> {
    const isUnrecorded = thrown instanceof NotRecorded;
    const error = isUnrecorded ? thrown.error : errorFrom(thrown);
    const last = this.#failure;
    const isSame = last?.digest === digest && last.error.code === error.code;
    const isTold = isSame && (digest !== "" || last.error.message === error.message);
    const attempts = isTold ? last.attempts + 1 : 1;
    const pause = Math.min(this.#context.pollMs * 2 ** attempts, longestPauseMs);
    const mayPass = isUnrecorded || error.spec.retryable || error.code === "MODEL_REFUSED";
    this.#failure = { digest, error, attempts, retryAt: mayPass ? performance.now() + pause : null };
    this.#handled = state;
    if (isTold && !isAsked) return error;
    this.#log(
      "error",
      `Version ${this.version} of the model "${this.model}" was not loaded: ${error.message}`,
      error,
    );
    await record(this.#context.sink, loadFailEvent(this, digest, error)).catch((refused: unknown) =>
      this.#unrecorded(refused),
    );
    return error;
  }

  #unrecorded(thrown: unknown): void {
    const error = thrown instanceof NotRecorded ? thrown.error : errorFrom(thrown);
    this.#log("error", `An event of the model "${this.model}" was not recorded: ${error.message}`, error);
  }

  #log(level: RepositoryLine["level"], message: string, error?: CupelError): void {
    this.#context.log({ level, message, model: this.model, version: this.version, error });
  }
}

const missingWeights: keyof typeof onnxErrors.specs = "EXTERNAL_DATA_MISSING";

function stillWritten({ model, version }: VersionSlot): CupelError {
  return serveErrors.error(
    "MODEL_NOT_READY",
    `Version ${version} of the model "${model}" was changed while it was being loaded, ${askedAttempts} times. Load it when it is whole.`,
  );
}
