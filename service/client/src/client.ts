/** The client: one interface, whatever face of the server it speaks. */
import { type BreakerOptions, own, reasonOf } from "@cupel/base/portable";
import { type CallOptions, Calls, type Operation } from "./calls.ts";
import { type EndpointOptions, Endpoints } from "./endpoints.ts";
import { clientError, optionInvalid } from "./errors.ts";
import type { ClientObserver } from "./events.ts";
import type { FaceName } from "./faces/face.ts";
import type { Platform, TlsOptions } from "./faces/platform.ts";
import type { InferenceRequest, InferenceResponse, StreamAnswer } from "./messages/inference.ts";
import type { IndexEntry, ModelMetadata, ServerMetadata, VersionStatistics } from "./messages/metadata.ts";
import type { ImageSource, PredictRequest, PredictResponse, WireImage } from "./messages/prediction.ts";
import type { HedgeOptions } from "./policies/hedge.ts";
import type { PoolOptions } from "./policies/pool.ts";
import type { RetryOptions } from "./policies/retry.ts";
import { RetryBudget, type RetryBudgetOptions } from "./policies/retry-budget.ts";
import { systemTiming, type Timing } from "./policies/timing.ts";
import { type WindowOptions, windowsOf } from "./policies/windows.ts";

type HeaderTable = Readonly<Record<string, string>>;

export interface ClientOptions {
  /** One server, or several that serve the same models. */
  readonly endpoints: string | readonly (string | EndpointOptions)[];
  /** Default "rest-binary". A browser has all but "grpc", and Node.js "websocket" from version 22 on. */
  readonly face?: FaceName | undefined;
  /** Sent with every call, such as `{ "x-api-key": key }`; a function is asked before each call, so that a token can be renewed. */
  readonly headers?: HeaderTable | (() => HeaderTable | Promise<HeaderTable>) | undefined;
  /** For a whole call with its retries, in ms, a day at most; null: for ever. Default 30,000. */
  readonly timeoutMs?: number | null | undefined;
  readonly retry?: RetryOptions | undefined;
  readonly budget?: RetryBudgetOptions | undefined;
  /** Of each endpoint. Default: 30 buckets over 5 minutes; above 15 % of at least 20 calls it opens for 60 s; 3 probes. */
  readonly breaker?: Partial<BreakerOptions> | undefined;
  /** Sends calls that may run twice once more when they take long. Default null: does not. */
  readonly hedge?: HedgeOptions | null | undefined;
  readonly pool?: PoolOptions | undefined;
  /** Of HTTP/2 connections in Node.js: what a server may send ahead. Default 4 MiB a call and 16 MiB a connection. */
  readonly windows?: WindowOptions | undefined;
  /** Round trips of several endpoints are measured this often, in ms, while there are calls. Default 30,000. */
  readonly probeIntervalMs?: number | undefined;
  /** For a connection to be made, in ms. In Node.js. Default 5,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Bytes of one answer; more is refused with ANSWER_TOO_LARGE. Default 256 MiB. */
  readonly maxAnswerBytes?: number | undefined;
  readonly tls?: TlsOptions | undefined;
  /** Told of each try, retry, hedge and change. What it throws is dropped: it must not fail a call. */
  readonly onEvent?: ClientObserver | undefined;
}

/** Every method throws ClientError alone. */
export interface Client extends Disposable {
  infer(request: InferenceRequest, options?: CallOptions): Promise<InferenceResponse>;
  predict(request: PredictRequest, options?: CallOptions): Promise<PredictResponse>;
  /** Of the server, or of a model. */
  metadata(options?: CallOptions): Promise<ServerMetadata>;
  modelMetadata(model: string, version?: string, options?: CallOptions): Promise<ModelMetadata>;
  /** Whether the server takes requests for all its models. */
  ready(options?: CallOptions): Promise<boolean>;
  modelReady(model: string, version?: string, options?: CallOptions): Promise<boolean>;
  /** Every version of every model that the server knows of. */
  index(options?: CallOptions): Promise<readonly IndexEntry[]>;
  load(model: string, options?: CallOptions): Promise<void>;
  unload(model: string, options?: CallOptions): Promise<void>;
  /** @param model default: all */
  statistics(model?: string, options?: CallOptions): Promise<readonly VersionStatistics[]>;
  /**
   * Requests in, answers out as they come, in the order of the requests; one that fails is an answer too. Has no deadline
   * unless it is given one, and is never sent twice. @throws FACE_UNSUPPORTED where the face has no such streams
   */
  inferStream(requests: AsyncIterable<InferenceRequest>, options?: CallOptions): AsyncIterable<StreamAnswer>;
  /** Ends the connections; calls in flight end with CANCELLED. The same as disposing. */
  close(): void;
}

/** As the issue of the house has them. */
export const breakerDefaults: BreakerOptions = {
  windowMs: 300_000,
  minimumCalls: 20,
  errorShare: 0.15,
  openMs: 60_000,
  probes: 3,
};

const asked = (name: string): Operation => ({ name, isIdempotent: true });
const done = (name: string): Operation => ({ name, isIdempotent: false });

const operations = {
  infer: asked("infer"),
  predict: asked("predict"),
  metadata: asked("metadata"),
  modelMetadata: asked("modelMetadata"),
  ready: asked("ready"),
  modelReady: asked("modelReady"),
  index: asked("index"),
  statistics: asked("statistics"),
  load: done("load"),
  unload: done("unload"),
  inferStream: done("inferStream"),
};

/** @throws OPTION_INVALID, FACE_UNSUPPORTED */
export function createClientOn(
  platform: Platform,
  options: ClientOptions,
  timing: Timing = systemTiming,
): Client {
  const { face = "rest-binary", headers = {}, onEvent, pool = {}, tls = {} } = options;
  const openFace = own(platform.faces, face);
  if (openFace === undefined)
    throw clientError(
      "FACE_UNSUPPORTED",
      `The face "${face}" is none of ${Object.keys(platform.faces).join(", ")}.`,
    );
  const { connectTimeoutMs = 5_000, maxAnswerBytes = 2 ** 28, probeIntervalMs = 30_000 } = options;
  const windows = windowsOf(options.windows);
  const limits = { pool, tls, windows, connectTimeoutMs, maxAnswerBytes };
  const observe: ClientObserver = (event) => {
    try {
      onEvent?.(event);
    } catch {
      // Who watches must not fail who works.
    }
  };
  const endpoints = new Endpoints(endpointsOf(options.endpoints), {
    breaker: { ...breakerDefaults, ...options.breaker },
    probeIntervalMs,
    timing,
    observe,
    openFace: (url) => openFace(new URL(url), limits),
  });
  const calls = new Calls({
    endpoints,
    budget: new RetryBudget(options.budget),
    retry: options.retry ?? {},
    hedge: options.hedge ?? null,
    timeoutMs: options.timeoutMs === undefined ? 30_000 : options.timeoutMs,
    timing,
    observe,
    headers: typeof headers === "function" ? headers : () => headers,
  });
  const close = () => {
    calls[Symbol.dispose]();
    endpoints[Symbol.dispose]();
  };
  return {
    infer: (request, more) => calls.call(operations.infer, (to, call) => to.infer(request, call), more),
    async predict(request, more) {
      const images = await Promise.all(request.images.map((image) => wireImage(image, platform)));
      return await calls.call(
        operations.predict,
        (to, call) => to.predict({ ...request, images }, call),
        more,
      );
    },
    metadata: (more) => calls.call(operations.metadata, (to, call) => to.serverMetadata(call), more),
    modelMetadata: (model, version, more) =>
      calls.call(operations.modelMetadata, (to, call) => to.modelMetadata(model, version, call), more),
    ready: (more) => calls.call(operations.ready, (to, call) => to.ready(call), more),
    modelReady: (model, version, more) =>
      calls.call(operations.modelReady, (to, call) => to.modelReady(model, version, call), more),
    index: (more) => calls.call(operations.index, (to, call) => to.index(call), more),
    load: (model, more) => calls.call(operations.load, (to, call) => to.load(model, call), more),
    unload: (model, more) => calls.call(operations.unload, (to, call) => to.unload(model, call), more),
    statistics: (model, more) =>
      calls.call(operations.statistics, (to, call) => to.statistics(model, call), more),
    inferStream: (requests, more) =>
      calls.stream(
        operations.inferStream,
        (to, call) => {
          if (to.inferStream) return to.inferStream(requests, call);
          throw clientError("FACE_UNSUPPORTED", `The face "${face}" has no streams in both directions.`, {
            mayHaveRun: false,
          });
        },
        more,
      ),
    close,
    [Symbol.dispose]: close,
  };
}

/** @throws OPTION_INVALID */
function endpointsOf(given: ClientOptions["endpoints"]): readonly EndpointOptions[] {
  const list = typeof given === "string" ? [given] : given;
  if (!Array.isArray(list) || list.length === 0)
    throw optionInvalid("The client needs the URL of a server in `endpoints`.");
  return list.map((each) => {
    const endpoint = typeof each === "string" ? { url: each } : each;
    if (/^https?:$/.test(URL.parse(endpoint.url)?.protocol ?? "")) return endpoint;
    throw optionInvalid(`The endpoint "${endpoint.url}" is no URL that begins with http:// or https://.`);
  });
}

async function wireImage(image: ImageSource, { readFile }: Platform): Promise<WireImage> {
  if (image instanceof Uint8Array) return { kind: "encoded", bytes: image };
  if (image instanceof Blob) return { kind: "encoded", bytes: new Uint8Array(await image.arrayBuffer()) };
  if (typeof image === "object" && "kind" in image) return image;
  if (!readFile)
    throw optionInvalid(
      `The image "${image}" is a path, and a browser has no files. Fetch it, and give its Blob.`,
    );
  try {
    return { kind: "encoded", bytes: await readFile(image) };
  } catch (cause) {
    throw optionInvalid(`The image "${image}" cannot be read: ${reasonOf(cause)}.`, cause);
  }
}
