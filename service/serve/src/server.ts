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
import { createInferenceService, type InferenceService } from "./core/inference-service.ts";
import type { IndexEntry } from "./core/metadata.ts";
import type { Pages } from "./core/pages.ts";
import { createStatistics } from "./core/statistics.ts";
import { serveErrors } from "./errors.ts";
import { createGraphqlFace } from "./graphql/face.ts";
import { createGrpcFace } from "./grpc/face.ts";
import { createImages } from "./images/create-images.ts";
import { listen } from "./listener/listen.ts";
import { createAdminFace } from "./operations/admin-face.ts";
import { reportToPrimary } from "./operations/cluster-metrics.ts";
import type { ServeConfig } from "./operations/config/config-schema.ts";
import { facesOn } from "./operations/config/faces-on.ts";
import { settingsOf } from "./operations/config/load-config.ts";
import { withCors } from "./operations/cors-faces.ts";
import { logRepository } from "./operations/logger.ts";
import { openOperations } from "./operations/open-operations.ts";
import { createPrometheus } from "./operations/prometheus.ts";
import { measuredSink, recordSnapshot } from "./operations/record-metrics.ts";
import { startEvent, stopEvent } from "./operations/server-events.ts";
import { createVersionBreakers, withBreakers } from "./operations/version-breakers.ts";
import { joinProcesses } from "./processes/member.ts";
import { createModelReports } from "./repository/model-reports.ts";
import type { ModelRepository } from "./repository/model-repository.ts";
import { prepareRepository } from "./repository/open-repository.ts";
import { createRestFace } from "./rest/face.ts";
import { createWebSocketFace } from "./websocket/face.ts";

/** What comes from outside: the record, the proof, and who reads the log. */
export interface ServerPlugs {
  /** Default: keeps nothing. */
  readonly sink?: EventSink | undefined;
  /** Default: lets everything in. */
  readonly gate?: Gate | undefined;
  /** Where log lines go. Default: the standard output. */
  readonly log?: DestinationStream | undefined;
  /** The console at `/` and reports for people. Default: none; `/` says where else to look then, and reports are JSON. */
  readonly pages?: Pages | undefined;
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
 * Listens and loads the models; resolves when the first request can be answered. Until then a server that listens says
 * that it lives and is not ready, and refuses all else with SERVER_STARTING. A process that takes its place beside others
 * that serve listens when its models are loaded: they answer meanwhile.
 * @throws CONFIG_INVALID, OPTION_INVALID, CERTIFICATE_INVALID, LISTEN_FAILED, and what `openRepository` throws
 */
export async function startServer(config: ServeConfig, plugs: ServerPlugs = {}): Promise<RunningServer> {
  const { sink: plugged = silentSink, gate = openGate, version = "0.1.0", signal } = plugs;
  assertAttested(config, plugs);
  const settings = memoised((model: string) => settingsOf(config, model));
  await using opening = new AsyncDisposableStack();
  const access = await openAccess(config);
  const known: { repository?: ModelRepository } = {};
  const models = {
    has: (model: string) => known.repository?.index().some(({ name }) => name === model) ?? false,
  };
  const prometheus = opening.use(createPrometheus({ models, counted: () => recordSnapshot(plugged) }));
  const sink = plugged === silentSink ? silentSink : measuredSink(plugged, prometheus);
  const cluster = opening.use(reportToPrimary(prometheus));
  const member = opening.use(await joinProcesses(signal));
  const statistics = createStatistics();
  const instruments = statistics.countingRuns(prometheus);
  const operations = opening.use(await openOperations(config, { instruments, sink, destination: plugs.log }));
  const { logger } = operations;
  const prepared = opening.use(
    await prepareRepository(config.repository.path, {
      pollMs: config.repository.mode === "poll" ? config.repository.pollMs : undefined,
      policyOf: (model) => settings(model).policy,
      trial: trialOf(config),
      threads: config.engine.threads ?? undefined,
      spins: config.engine.spins,
      instances: config.engine.instances,
      cacheFolder: config.engine.cacheFolder ?? undefined,
      gate,
      sink,
      log: logRepository(logger),
      parts: {
        batcher: (session, { model, version }) =>
          createBatcher(session, {
            ...settings(model).batching,
            instances: config.engine.instances,
            model,
            version,
            instruments,
          }),
        images: ({ path, ...facts }, { run }, until) => createImages(path, { ...facts, run, signal: until }),
      },
    }),
  );
  const breakers = createVersionBreakers({
    ...config.breaker,
    instruments,
    onChange: ({ model, version }, state) => logger.warn({ model, version, state }, "breaker"),
  });
  const repository = withBreakers(member.shared(prepared), breakers);
  known.repository = repository;
  const isAttested = config.attestation.policy !== null;
  const about = {
    name: "cupel",
    version,
    extensions: isAttested ? [...extensions, "attestation"] : extensions,
  };
  const reports = createModelReports({ gate });
  const cached = opening.use(
    withResponseCache(createInferenceService({ repository, metadata: about, statistics, reports }), {
      policyOf: (model) => (settings(model).cache.enabled ? settings(model).cache : null),
      repository,
      instruments,
      maxBytes: config.cache.maxBytes,
    }),
  );
  const observed = operations.observed(withAuthorisation(cached, access.policy));
  let isStarting = true;
  const admission = createAdmission({
    ...access,
    instruments,
    observer: operations.observer,
    isStarting: () => isStarting,
  });
  // Nor is a server that finishes what it took one to send something to.
  const service: InferenceService = {
    ...observed,
    isReady: () => !isStarting && !admission.isStopping && observed.isReady(),
    isModelReady: (...asked) => observed.isModelReady(...asked) && !isStarting,
  };
  const face = { service, admission, instruments, bodyLimit: config.limits.bodyLimit };
  const defect = (thrown: unknown) => logger.error({ err: thrown }, "defect");
  const metricsText = () => cluster.metricsText();
  const { host, port, tls, cleartextAnywhere, limits } = config.listen;
  const index = () => repository.index();
  const spoken = facesOn(config);
  const protocols = (["connect", "grpc-web"] as const).filter((protocol) => spoken.has(protocol));
  const faces = [
    // Before gRPC, which takes the same paths.
    ...(spoken.has("websocket")
      ? [createWebSocketFace({ ...face, cors: config.cors, limits, onError: defect })]
      : []),
    createGrpcFace({ ...face, protocols, onError: defect }),
    createRestFace({ ...face, pages: plugs.pages, faces: spoken }),
    ...(spoken.has("graphql")
      ? [createGraphqlFace({ ...face, ...graphqlOptions(config), policy: access.policy, index })]
      : []),
    ...(spoken.has("admin") ? [createAdminFace({ ...config.admin, admission, metricsText })] : []),
  ].map((each) => opening.use(each));
  const open = async () =>
    opening.use(
      await listen({
        faces: withCors(faces, config.cors),
        host,
        port,
        tls: tls === null ? undefined : { ...tls, clientAuthority: tls.clientAuthority ?? undefined },
        cleartextAnywhere,
        limits,
        instruments,
        onConnectionError: (error) => logger.info(error, "connection"),
        onError: defect,
      }),
    );
  const early = member.isLater ? null : await open();
  await prepared.start(signal, member.standing);
  const listener = early ?? (await open());
  const facts = { url: listener.url, version, processId: process.pid };
  const answering = repository.index().filter(({ state }) => state === "READY").length;
  // No answer without a record that there is a server.
  await sink.emit(startEvent(facts, answering));
  opening.defer(async () => {
    try {
      await sink.emit(stopEvent(facts));
    } catch (thrown) {
      // Every request is answered by now, and nobody waits for this one.
      logger.error({ err: thrown }, "the end of the server is not recorded");
    }
  });
  await member.loaded({ url: listener.url }, signal);
  isStarting = false;
  const closing = opening.move();
  const close = async (graceMs?: number) => {
    void admission.drain();
    await listener.close(graceMs);
    await closing.disposeAsync();
  };
  let closed: Promise<void> | null = null;
  const closeOnce = (graceMs?: number) => (closed ??= close(graceMs));
  return {
    url: listener.url,
    host: listener.host,
    port: listener.port,
    index,
    metricsText,
    close: closeOnce,
    [Symbol.asyncDispose]: () => closeOnce(),
  };
}

/** What the engine kept of a model would be loaded in the place of the bytes that were verified. @throws CONFIG_INVALID */
function assertAttested({ attestation, engine }: ServeConfig, { gate }: ServerPlugs): void {
  if (attestation.policy === null) return;
  const problem =
    gate === undefined
      ? "/attestation/policy needs a gate that verifies, and none is plugged in"
      : engine.cacheFolder === null
        ? null
        : "/engine/cacheFolder must be null with an attestation.policy: what lies there is not sealed";
  if (problem !== null) throw serveErrors.error("CONFIG_INVALID", `${problem}.`);
}

/** As OIP v2 and Triton name what goes beyond the protocol. */
const extensions = ["binary_tensor_data", "model_repository", "model_configuration", "statistics"];

function graphqlOptions({ graphql }: ServeConfig) {
  const { introspection, maxDepth, maxCost, cacheMs } = graphql;
  return { introspection, limits: { depth: maxDepth, cost: maxCost }, cacheMs };
}

function trialOf({ engine }: ServeConfig): IsolationLimits | "none" {
  if (!engine.trial) return "none";
  return { memory: engine.trialBytes ?? undefined, time: engine.trialMs ?? undefined };
}

/** Patterns are matched once a model: names that are no model's are many and kept by nobody. */
function memoised<Result>(of: (model: string) => Result): (model: string) => Result {
  const known = new Map<string, Result>();
  return (model) => {
    const found = known.get(model);
    if (found !== undefined) return found;
    const made = of(model);
    if (known.size < mostModels) known.set(model, made);
    return made;
  };
}

const mostModels = 10_000;
