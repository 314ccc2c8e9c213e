/**
 * The server, put together. A request goes from left to right:
 *
 *     listener -> face -> admission -> authorisation -> cache -> service -> breaker -> batcher -> session
 *
 * Each is a file or a folder of this package and knows only its neighbour's contract.
 */
import { type EventSink, type Gate, openGate, silentSink } from "@cupel/base";
import type { IsolationLimits } from "@cupel/runtime";
import type { DestinationStream } from "pino";
import { withAuthorisation } from "./access/authorised-service.ts";
import { createAdmission } from "./access/create-admission.ts";
import { openAccess } from "./access/open-access.ts";
import { createBatcher } from "./batching/batcher.ts";
import { withResponseCache } from "./cache/response-cache.ts";
import { createInferenceService } from "./core/inference-service.ts";
import type { IndexEntry } from "./core/metadata.ts";
import { createGrpcFace } from "./grpc/face.ts";
import { createImages } from "./images/create-images.ts";
import { listen } from "./listener/listen.ts";
import { reportToPrimary } from "./operations/cluster-metrics.ts";
import type { ServeConfig } from "./operations/config/config-schema.ts";
import { settingsOf } from "./operations/config/load-config.ts";
import { readSecret } from "./operations/config/secret.ts";
import { withEvents } from "./operations/events.ts";
import { createLogger, logRequests } from "./operations/logger.ts";
import { measureRequests } from "./operations/measure-requests.ts";
import { createPrometheus } from "./operations/prometheus.ts";
import { RequestOutcomes, withOutcomes } from "./operations/request-outcomes.ts";
import { createRequestObserver } from "./operations/request-record.ts";
import { openTracing, type Tracing } from "./operations/tracing.ts";
import { createVersionBreakers, withBreakers } from "./operations/version-breakers.ts";
import type { ModelRepository } from "./repository/model-repository.ts";
import { openRepository } from "./repository/open-repository.ts";
import { createRestFace } from "./rest/face.ts";

/** What comes from outside: the record, the proof, and who reads the log. */
export interface ServerPlugs {
  /** Default: keeps nothing. */
  readonly sink?: EventSink | undefined;
  /** Default: lets everything in. */
  readonly gate?: Gate | undefined;
  /** Where log lines go. Default: the standard output. */
  readonly log?: DestinationStream | undefined;
  /** As the server names itself. Default "0.1.0". */
  readonly version?: string | undefined;
  /** Cancels the start only. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunningServer extends AsyncDisposable {
  /** "http://127.0.0.1:8080" */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Models and versions, ready or not. */
  index(): readonly IndexEntry[];
  /** In Prometheus's format; of all processes where there are several. */
  metricsText(): Promise<string>;
  /**
   * Takes nothing new, answers what it took, and ends. Disposing closes with the default.
   * @param graceMs after which requests in hand are broken off. Default 30,000.
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * Loads the models and listens; resolves when the first request can be answered.
 * @throws CONFIG_INVALID, OPTION_INVALID, CERTIFICATE_INVALID, LISTEN_FAILED, and what `openRepository` throws
 */
export async function startServer(config: ServeConfig, plugs: ServerPlugs = {}): Promise<RunningServer> {
  const { sink = silentSink, gate = openGate, version = "0.1.0", signal } = plugs;
  const logger = createLogger({ level: config.logging.level, destination: plugs.log });
  await using opening = new AsyncDisposableStack();
  const access = await openAccess(config);
  const known: { repository?: ModelRepository } = {};
  const models = {
    has: (model: string) => known.repository?.index().some(({ name }) => name === model) ?? false,
  };
  const instruments = opening.use(createPrometheus({ models }));
  const cluster = opening.use(reportToPrimary(instruments));
  const loaded = opening.use(
    await openRepository(config.repository.path, {
      pollMs: config.repository.mode === "poll" ? config.repository.pollMs : undefined,
      policyOf: (model) => settingsOf(config, model).policy,
      trial: trialOf(config),
      threads: config.engine.threads ?? undefined,
      gate,
      sink,
      log: ({ level, message, error, ...about }) =>
        logger[level]({ ...about, ...(error === undefined ? {} : { err: error }) }, message),
      signal,
      parts: {
        batcher(session, { model, version }) {
          const { batching } = settingsOf(config, model);
          return createBatcher(session, { ...batching, model, version, instruments });
        },
        images: ({ path, ...facts }, { run }, until) => createImages(path, { ...facts, run, signal: until }),
      },
    }),
  );
  const repository = withBreakers(loaded, createVersionBreakers({ ...config.breaker, instruments }));
  known.repository = repository;
  const core = createInferenceService({ repository, metadata: { name: "cupel", version, extensions } });
  const cached = opening.use(
    withResponseCache(core, {
      policyOf(model) {
        const { cache } = settingsOf(config, model);
        return cache.enabled ? cache : null;
      },
      repository,
      instruments,
      maxBytes: config.cache.maxBytes,
    }),
  );
  const outcomes = new RequestOutcomes();
  const service = withOutcomes(withEvents(withAuthorisation(cached, access.policy), sink), outcomes);
  const tracing = await openTracingOf(config);
  if (tracing !== null) opening.use(tracing);
  const observer = createRequestObserver({
    outcomes,
    sinks: [
      ...(tracing === null ? [] : [tracing.sink]),
      logRequests(logger, config.logging.requests),
      measureRequests(instruments),
    ],
    events: sink,
  });
  const admission = createAdmission({ ...access, instruments, observer });
  const face = { service, admission, instruments, bodyLimit: config.limits.bodyLimit };
  const defect = (thrown: unknown) => logger.error({ err: thrown }, "defect");
  const grpc = opening.use(createGrpcFace({ ...face, onError: defect }));
  const rest = opening.use(createRestFace(face));
  const { host, port, tls } = config.listen;
  const listener = opening.use(
    await listen({
      faces: [grpc, rest],
      host,
      port,
      tls: tls === null ? undefined : { ...tls, clientAuthority: tls.clientAuthority ?? undefined },
      cleartextAnywhere: config.listen.cleartextAnywhere,
      instruments,
      onConnectionError: ({ cause, ...about }) => logger.debug({ cause, ...about }, "connection"),
      onError: defect,
    }),
  );
  const closing = opening.move();
  let closed: Promise<void> | null = null;
  const close = async (graceMs?: number) => {
    void admission.drain();
    await listener.close(graceMs);
    await closing.disposeAsync();
  };
  const closeOnce = (graceMs?: number) => (closed ??= close(graceMs));
  return {
    url: listener.url,
    host: listener.host,
    port: listener.port,
    index: () => repository.index(),
    metricsText: () => cluster.metricsText(),
    close: closeOnce,
    [Symbol.asyncDispose]: () => closeOnce(),
  };
}

/** As OIP v2 and Triton name what goes beyond the protocol. */
const extensions = ["binary_tensor_data", "model_repository", "model_configuration", "statistics"];

function trialOf({ engine }: ServeConfig): IsolationLimits | "none" {
  if (!engine.trial) return "none";
  return { memory: engine.trialBytes ?? undefined, time: engine.trialMs ?? undefined };
}

async function openTracingOf({ tracing }: ServeConfig): Promise<Tracing | null> {
  const { endpoint, authorization, sampleShare, service } = tracing;
  if (endpoint === null) return null;
  const secret = authorization === null ? undefined : await readSecret(authorization);
  return await openTracing({ endpoint, authorization: secret, sampleShare, service });
}
