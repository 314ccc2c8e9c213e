/** A model whose versions are files of real bytes and sessions of none: what a repository does with them, without an engine. */
import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { baseErrors, type CupelError, type EventSink, type WorkEvent } from "@cupel/base";
import { runtimeErrors } from "@cupel/runtime";
import type { OpenedVersion } from "../../src/repository/open-version.ts";
import type { RepositoryLine } from "../../src/repository/repository-options.ts";
import { ServedModel } from "../../src/repository/served-model.ts";
import { latestVersion, type VersionPolicy } from "../../src/repository/version-policy.ts";
import { scaler } from "./tiny-models.ts";

export interface FakeVersion extends OpenedVersion {
  readonly isClosed: boolean;
  crash(): void;
}

export class FakeModel implements EventSink, AsyncDisposable {
  readonly events: WorkEvent[] = [];
  readonly lines: RepositoryLine[] = [];
  readonly opened: FakeVersion[] = [];
  /** Origins asked for, in order. */
  readonly loads: string[] = [];
  /** Of each of them: whether the gate need not be asked. */
  readonly letIn: boolean[] = [];
  /** What the gate says of bytes that cannot be taken. */
  refusal: CupelError | null = null;
  /** Bytes that cannot be loaded, by the factor of their scaler. */
  readonly broken = new Set<number>();
  /** Called while bytes are being loaded. */
  whileLoading: () => Promise<void> = async () => {};
  /** What the sink answers. */
  onEmit: (event: WorkEvent) => Promise<void> = async () => {};
  readonly model: ServedModel;
  readonly #folder: string;
  readonly #work: string;
  readonly #closing = new AbortController();
  readonly #signal = new AbortController().signal;

  constructor(folder: string, policy: VersionPolicy = latestVersion) {
    this.#folder = join(folder, "models");
    this.#work = join(folder, "work");
    this.model = new ServedModel("x", policy, {
      sink: this,
      workFolder: this.#work,
      closing: this.#closing.signal,
      pollMs: 1,
      log: (line) => this.lines.push(line),
      ask: async () => {
        if (this.refusal !== null) throw this.refusal;
      },
      load: async ({ model, version }, origin, content, _signal, isLetIn = false) => {
        this.loads.push(origin);
        this.letIn.push(isLetIn);
        await this.whileLoading();
        const broken = [...this.broken].some((factor) => this.digests.get(content.digest) === factor);
        if (broken) throw runtimeErrors.error("MODEL_LOAD_FAILED", `Could not load ${content.path}: broken.`);
        const opened = fakeVersion(model, version, content.digest);
        this.opened.push(opened);
        return opened;
      },
    });
  }

  /** Factor by digest of the bytes that `put` wrote. */
  readonly digests = new Map<string, number>();

  async emit(event: WorkEvent): Promise<void> {
    await this.onEmit(event);
    this.events.push(event);
  }

  path(version: string): string {
    return join(this.#folder, version, "model.onnx");
  }

  async put(version: string, factor: number): Promise<void> {
    const bytes = scaler(factor);
    this.digests.set(await digestOfBytes(bytes), factor);
    await mkdir(dirname(this.path(version)), { recursive: true });
    await mkdir(this.#work, { recursive: true });
    await writeFile(this.path(version), bytes);
  }

  find(...versions: readonly string[]): void {
    this.model.find(
      new Map(versions.map((version) => [version, { kind: "file", path: this.path(version) } as const])),
    );
  }

  /** As many looks as a new file needs to settle, and one more. */
  async poll(times = 3): Promise<void> {
    for (let i = 0; i < times; i++) await this.model.poll(this.#signal);
  }

  load(): Promise<void> {
    return this.model.load(this.#signal);
  }

  /** Factor of the version that a request would get now; null where there is none. */
  get serving(): number | null {
    const current = this.model.ready.at(-1);
    return current === undefined ? null : (this.digests.get(current.digest) ?? null);
  }

  actions(): readonly string[] {
    return this.events.map(({ action }) => action);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.model.close();
  }
}

async function digestOfBytes(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest("SHA-256", new Uint8Array(bytes))).toString("hex");
}

function fakeVersion(model: string, version: string, digest: string): FakeVersion {
  const ended = Promise.withResolvers<CupelError | null>();
  let isClosed = false;
  const refuse = () => Promise.reject(new Error("not asked here"));
  return {
    model,
    version,
    digest,
    sessionId: randomUUID(),
    noRoom: () => null,
    inputs: [],
    outputs: [],
    properties: {},
    imageInput: null,
    ended: ended.promise,
    run: refuse,
    prepare: refuse,
    predict: refuse,
    get isClosed() {
      return isClosed;
    },
    crash: () => ended.resolve(baseErrors.error("THREAD_CRASHED", "The thread crashed.")),
    async [Symbol.asyncDispose]() {
      isClosed = true;
      ended.resolve(null);
    },
  };
}
