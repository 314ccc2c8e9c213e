/**
 * The service, which remembers what it answered: an equal request to the same bytes of a model is answered without a
 * run, and equal requests that come together are one run. Put it behind whatever asks who may do what, and behind what
 * records events: a caller is asked and recorded whether or not the answer was kept.
 */
import { type Clock, CupelError, cancellation, reviveError } from "@cupel/base";
import { type LoadContext, SharedMap } from "@cupel/shared-map";
import type { Call } from "../core/call.ts";
import type { InferenceService } from "../core/inference-service.ts";
import { type Instruments, silentInstruments } from "../operations/instruments.ts";
import { answerBytes, dependsOnRequestAlone, readKept, refusalBytes } from "./kept-answer.ts";
import { type Answering, inferenceKey, predictionKey } from "./request-key.ts";

/** How long what was answered is kept. */
export interface CachePolicy {
  /** Of an answer, in milliseconds, more than 0. */
  readonly ttlMs: number;
  /**
   * Of a refusal that depends on the request alone, such as that of an input of the wrong shape; 0: none is kept.
   * Default 1000.
   */
  readonly negativeTtlMs?: number | undefined;
}

export interface ResponseCacheOptions {
  /** Asked with every request. Null: nothing of the model is kept. */
  readonly policyOf: (model: string) => CachePolicy | null;
  /** The `ModelRepository` of the service, which says what the bytes are that would answer. */
  readonly repository: DigestLeases;
  /** Default: none. */
  readonly instruments?: Instruments | undefined;
  /** Bytes of answers and keys. When they are full, what was not asked for lately goes. Default 64 MiB, at least 1 MiB. */
  readonly maxBytes?: number | undefined;
  /** Default: as many as there are bytes for. */
  readonly maxEntries?: number | undefined;
  /** Share by which each ttl is shortened at random, so that answers do not all end at once. Default 0.1. */
  readonly ttlJitter?: number | undefined;
  /** Its `monotonic` is what answers expire by. Default the process's. */
  readonly clock?: Clock | undefined;
}

export interface DigestLeases {
  /** @throws MODEL_UNKNOWN, VERSION_UNKNOWN, MODEL_NOT_READY */
  lease(model: string, version?: string): Disposable & { readonly version: Answering };
}

export interface CachedInferenceService extends InferenceService, Disposable {}

/** What requests of both kinds have. */
interface Named {
  readonly model: string;
  readonly version?: string | undefined;
  readonly id?: string | undefined;
}

interface Answer {
  readonly version: string;
  readonly digest?: string | undefined;
  readonly id?: string | undefined;
}

type Load = (
  key: Uint8Array,
  stale: Uint8Array | undefined,
  context: LoadContext,
) => Promise<Uint8Array | undefined>;

const defaultNegativeTtlMs = 1000;
/** An answer that there is no room for is given all the same. */
const noRoom: ReadonlySet<string> = new Set(["MAP_FULL", "MAP_BUSY", "VALUE_TOO_LARGE"]);

/**
 * @returns the service; dispose it to give its memory back.
 * @throws OPTION_INVALID, MEMORY_UNAVAILABLE
 */
export function withResponseCache(
  service: InferenceService,
  options: ResponseCacheOptions,
): CachedInferenceService {
  const {
    policyOf,
    repository,
    instruments = silentInstruments,
    maxBytes,
    maxEntries,
    ttlJitter = 0.1,
    clock,
  } = options;
  const map = SharedMap.create<Uint8Array, Uint8Array>({
    maxBytes,
    maxEntries,
    ttlJitter,
    clock,
    eviction: "sieve",
  });
  const count = (model: string, outcome: "hit" | "miss" | "joined" | "negative") =>
    instruments.count("cache", { model, outcome });

  /** @throws the refusal that is kept */
  function given<A extends object>(bytes: Uint8Array, request: Named, outcome: "hit" | "joined") {
    const kept = readKept<A>(bytes);
    count(request.model, kept.kind === "refusal" ? "negative" : outcome);
    if (kept.kind === "refusal") throw reviveError(kept.error);
    return { ...kept.answer, id: request.id };
  }

  function keepRefusal(key: Uint8Array, thrown: unknown, ttl: number): void {
    if (ttl === 0 || !dependsOnRequestAlone(thrown)) return;
    try {
      map.set(key, refusalBytes(thrown), { ttl });
    } catch (unkept) {
      if (!(unkept instanceof CupelError && noRoom.has(unkept.code))) throw unkept;
    }
  }

  /** @param compute what the service does without a cache */
  async function remembered<R extends Named, A extends Answer>(
    request: R,
    call: Call,
    keyOf: (request: R, answering: Answering) => Uint8Array,
    compute: (call: Call) => Promise<A>,
  ): Promise<A> {
    const policy = policyOf(request.model);
    if (policy === null) return compute(call);
    const { ttlMs, negativeTtlMs = defaultNegativeTtlMs } = policy;
    const answering = answeringOf(repository, request);
    const key = keyOf(request, answering);
    const found = map.get(key);
    if (found !== undefined) return given<A>(found, request, "hit");

    let isOwn = false;
    let own: A | undefined;
    const load: Load = async (_key, _stale, { signal }) => {
      isOwn = true;
      count(request.model, "miss");
      try {
        own = await compute({ ...call, signal });
      } catch (thrown) {
        keepRefusal(key, thrown, negativeTtlMs);
        throw thrown;
      }
      // A reload came between: what other bytes answered is not kept as the answer of these.
      const isOfThese = own.digest === answering.digest && own.version === answering.version;
      return isOfThese ? answerBytes(own) : undefined;
    };
    let bytes: Uint8Array | undefined;
    try {
      bytes = await map.fetch(key, load, { ttl: ttlMs, signal: call.signal });
    } catch (thrown) {
      if (!isOwn) count(request.model, "joined");
      const hasLeft = call.signal.aborted && thrown === call.signal.reason;
      throw hasLeft ? cancellation("The request", call.signal) : thrown;
    }
    if (own !== undefined) return own;
    // All who have joined are given these bytes, and each makes a copy.
    if (bytes !== undefined) return given<A>(bytes.slice(), request, "joined");
    count(request.model, "joined");
    return compute(call);
  }

  return {
    ...service,
    noRoom: (asked, call) => (policyOf(asked.model) === null ? service.noRoom(asked, call) : null),
    infer: (request, call) => remembered(request, call, inferenceKey, (call) => service.infer(request, call)),
    predict: (request, call) =>
      remembered(request, call, predictionKey, (call) => service.predict(request, call)),
    [Symbol.dispose]: () => map.close(),
  };
}

/** @throws MODEL_UNKNOWN, VERSION_UNKNOWN, MODEL_NOT_READY */
function answeringOf(repository: DigestLeases, { model, version }: Named): Answering {
  using lease = repository.lease(model, version);
  return { model: lease.version.model, version: lease.version.version, digest: lease.version.digest };
}
