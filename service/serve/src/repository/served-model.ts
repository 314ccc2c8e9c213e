/**
 * One model: its versions as the folder last had them, and which of them the policy has in service. What is done to it is
 * done one after the other, whoever asks; leases are taken in between, at any time.
 */
import { type CupelError, errorFrom, publicError } from "@cupel/base";
import type { IndexEntry } from "../core/metadata.ts";
import { type ServeErrorCode, serveErrors } from "../errors.ts";
import type { UnloadCause } from "./model-events.ts";
import type { Lease } from "./model-repository.ts";
import type { ModelVersion } from "./model-version.ts";
import type { ServedVersion } from "./served-version.ts";
import type { ModelStanding } from "./standing.ts";
import { Turnstile } from "./turnstile.ts";
import { candidates, type VersionPolicy } from "./version-policy.ts";
import { type SlotContext, VersionSlot } from "./version-slot.ts";

/** What the folder has of a version: the path of its file, or why it cannot be served. */
export type FoundFile =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "problem"; readonly reason: string };

export class ServedModel {
  readonly name: string;
  readonly #policy: VersionPolicy;
  readonly #context: SlotContext;
  readonly #slots = new Map<string, VersionSlot>();
  readonly #turn = new Turnstile(1);
  readonly #draining = new Set<ServedVersion>();
  #found: ReadonlyMap<string, FoundFile> = new Map();
  /** Versions that the look before did not find either. */
  #missing = new Set<string>();
  /** The state of its files when it was unloaded by its name; null while it is to be served. */
  #unloaded: string | null = null;
  #isBusy = false;

  constructor(name: string, policy: VersionPolicy, context: Omit<SlotContext, "inTurn" | "drain">) {
    this.name = name;
    this.#policy = policy;
    this.#context = {
      ...context,
      inTurn: (work) => this.#inTurn(work, context.closing),
      drain: (served) => this.#drain(served),
    };
  }

  /** Whether the folder has it. */
  get isFound(): boolean {
    return this.#found.size > 0;
  }

  /** Whether there is anything to keep: files, or what is served without them. */
  get isKnown(): boolean {
    return this.#found.size > 0 || this.#slots.size > 0 || this.#draining.size > 0;
  }

  /** Whether it is to be served and is not. */
  get isMissed(): boolean {
    return this.#unloaded === null && this.ready.length === 0;
  }

  /** The current one last. */
  get ready(): readonly ModelVersion[] {
    const served: ModelVersion[] = [];
    for (const { ready } of this.#slots.values()) if (ready !== null) served.push(ready.version);
    return served.sort((a, b) => Number(a.version) - Number(b.version));
  }

  /** @throws VERSION_UNKNOWN, MODEL_NOT_READY */
  lease(version: string | undefined): Lease {
    const wanted = version ?? this.ready.at(-1)?.version;
    const slot = wanted === undefined ? undefined : this.#slots.get(wanted);
    if (slot?.ready) return slot.ready.lease();
    if (version !== undefined && slot === undefined && !this.#found.has(version)) {
      throw serveErrors.error("VERSION_UNKNOWN", `The model "${this.name}" has no version "${version}".`);
    }
    const entry = this.index().find((each) => version === undefined || each.version === version);
    const state = entry?.state === "LOADING" ? "is being loaded" : "is not loaded";
    const named = version === undefined ? "" : `Version ${version} of `;
    throw serveErrors.error(
      "MODEL_NOT_READY",
      `${named === "" ? "The" : `${named}the`} model "${this.name}" ${state}${entry?.reason ? `: ${entry.reason}` : "."}`,
    );
  }

  index(): IndexEntry[] {
    const versions = new Set([...this.#found.keys(), ...this.#slots.keys()]);
    for (const { version } of this.#draining) versions.add(version.version);
    return [...versions]
      .sort((a, b) => Number(a) - Number(b))
      .map((version) => ({ name: this.name, version, ...this.#stateOf(version) }));
  }

  #stateOf(version: string): Pick<IndexEntry, "state" | "reason" | "code"> {
    const slot = this.#slots.get(version);
    const found = this.#found.get(version);
    const failure = slot?.failure ? publicError(slot.failure) : null;
    const { reason, code } =
      found?.kind === "problem"
        ? { reason: found.reason, code: unservable }
        : { reason: failure?.message ?? "", code: failure?.code };
    const told = code === undefined ? { reason } : { reason, code };
    if (slot?.ready) return { state: "READY", ...told };
    if (slot?.isLoading) return { state: "LOADING", ...told };
    if (slot?.isHeld)
      return {
        ...told,
        state: "UNAVAILABLE",
        reason: reason || "Its session crashed and is opened again.",
      };
    const isDraining = [...this.#draining].some((each) => each.version.version === version);
    if (isDraining) return { state: "UNLOADING", reason: "" };
    const unserved = this.#unloaded === null ? "The version policy does not choose it." : "It was unloaded.";
    return { ...told, state: "UNAVAILABLE", reason: reason || unserved };
  }

  get standing(): ModelStanding {
    const versions = [...this.#slots.values()].map(({ standing }) => standing);
    return { model: this.name, unloaded: this.#unloaded, versions };
  }

  /**
   * Comes into service as it is in another process: the same bytes, or none where it was unloaded. What the folder has
   * besides is found by the next look.
   * @throws the first failure; what could not be taken over is not in service then
   */
  async resume({ unloaded, versions }: ModelStanding, signal: AbortSignal): Promise<void> {
    await this.#inTurn(async () => {
      this.#unloaded = unloaded;
      for (const each of versions) await this.#slot(each.version).resume(each, signal);
    }, signal);
  }

  /** Takes what a look at the folder found; nothing is loaded by it. */
  find(found: ReadonlyMap<string, FoundFile>): void {
    this.#found = found;
  }

  /**
   * After a look: loads what is new or changed, unless a load or unload is under way. What was unloaded by its name stays so
   * until one of its files is another.
   */
  async poll(signal: AbortSignal): Promise<void> {
    if (this.#isBusy) return;
    await this.#inTurn(async () => {
      if (this.#unloaded !== null) {
        if ((await this.#state()) === this.#unloaded) return;
        this.#unloaded = null;
      }
      await this.#choose(false, signal);
    }, signal);
  }

  /** @throws the first failure among what the policy wants; what was in service stays then */
  async load(signal: AbortSignal): Promise<void> {
    await this.#inTurn(async () => {
      this.#unloaded = null;
      const failure = await this.#choose(true, signal);
      if (failure !== null) throw failure;
    }, signal);
  }

  /** @throws what keeps the record of it from being made: it stays then */
  async unload(signal?: AbortSignal): Promise<void> {
    await this.#inTurn(async () => {
      await this.#unloadAll(this.#slots.keys(), "asked");
      this.#unloaded = await this.#state();
    }, signal);
    await Promise.allSettled([...this.#draining].map((served) => served.retire()));
  }

  /** To be called when the context is closing. Resolves when all is given back and closed. */
  async close(): Promise<void> {
    // What is under way may still come into service.
    await this.#inTurn(async () => {
      for (const slot of this.#slots.values()) {
        const served = slot.abandon();
        if (served !== null) void this.#drain(served);
      }
    }, undefined);
    await Promise.allSettled([...this.#draining].map((served) => served.retire()));
  }

  async #choose(isAsked: boolean, signal: AbortSignal): Promise<CupelError | null> {
    const { versions, count } = candidates(this.#policy, this.#found.keys());
    const chosen = new Set<string>();
    let failure: CupelError | null = null;
    for (const version of versions) {
      if (chosen.size === count) break;
      const file = this.#found.get(version)!;
      const slot = this.#slot(version);
      const failed =
        file.kind === "file"
          ? await slot.renew(file.path, isAsked, signal)
          : await slot.refuse(serveErrors.error(unservable, file.reason), isAsked);
      failure ??= failed;
      if (slot.isHeld) chosen.add(version);
    }
    // A file that is being replaced may be missing for a moment.
    const missing = [...this.#slots.keys()].filter((version) => !this.#found.has(version));
    const gone = missing.filter((version) => isAsked || this.#missing.has(version));
    this.#missing = new Set(missing);
    const left = [...this.#slots.keys()].filter(
      (version) => this.#found.has(version) && !chosen.has(version),
    );
    await this.#unloadAll(gone, "removed");
    await this.#unloadAll(left, "policy");
    for (const version of gone) this.#slots.delete(version);
    return failure;
  }

  async #unloadAll(versions: Iterable<string>, cause: UnloadCause): Promise<void> {
    for (const version of [...versions]) {
      const served = await this.#slots.get(version)?.unload(cause);
      if (served) void this.#drain(served);
    }
  }

  #slot(version: string): VersionSlot {
    const slot = this.#slots.get(version) ?? new VersionSlot(this.name, version, this.#context);
    this.#slots.set(version, slot);
    return slot;
  }

  async #state(): Promise<string> {
    const states = [...this.#found].map(async ([version, file]) =>
      file.kind === "file"
        ? `${version} ${await this.#slot(version).state(file.path)}`
        : `${version} ${file.reason}`,
    );
    return (await Promise.all(states)).sort().join("\n");
  }

  async #inTurn<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return await this.#turn.pass(
      async () => {
        this.#isBusy = true;
        try {
          return await work();
        } finally {
          this.#isBusy = false;
        }
      },
      `Waiting for the model "${this.name}"`,
      signal,
    );
  }

  async #drain(served: ServedVersion): Promise<void> {
    this.#draining.add(served);
    try {
      await served.retire();
    } catch (thrown) {
      const message = `Version ${served.version.version} of the model "${this.name}" could not be closed.`;
      this.#context.log({
        level: "error",
        message,
        model: this.name,
        version: served.version.version,
        error: errorFrom(thrown),
      });
    } finally {
      this.#draining.delete(served);
    }
  }
}

/** Of what looks like a version and cannot be one. */
const unservable: ServeErrorCode = "REPOSITORY_INVALID";
