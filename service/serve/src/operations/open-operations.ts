/** What watches the server, made from its configuration: logs, traces, figures of requests, and the record's events. */
import { type EventSink, silentSink } from "@cupel/base";
import type { DestinationStream, Logger } from "pino";
import type { InferenceService } from "../core/inference-service.ts";
import type { ServeConfig } from "./config/config-schema.ts";
import { readSecret } from "./config/secret.ts";
import { withEvents } from "./events.ts";
import type { Instruments } from "./instruments.ts";
import { createLogger, logRequests } from "./logger.ts";
import { measureRequests } from "./measure-requests.ts";
import type { RequestObserver } from "./request-observer.ts";
import { RequestOutcomes, withOutcomes } from "./request-outcomes.ts";
import { createRequestObserver } from "./request-record.ts";
import { openTracing, type Tracing } from "./tracing.ts";

export interface OperationsOptions {
  readonly instruments: Instruments;
  /** Default: keeps nothing. */
  readonly sink?: EventSink | undefined;
  /** Of the log. Default: the standard output. */
  readonly destination?: DestinationStream | undefined;
}

export interface Operations extends AsyncDisposable {
  readonly logger: Logger;
  /** For the door. */
  readonly observer: RequestObserver;
  /** Put around the service as the last: what it lets through or refuses is told. */
  observed(service: InferenceService): InferenceService;
}

/** @throws CONFIG_INVALID where the secret of the collector cannot be read */
export async function openOperations(
  { logging, tracing: traced }: ServeConfig,
  { instruments, sink = silentSink, destination }: OperationsOptions,
): Promise<Operations> {
  const logger = createLogger({ level: logging.level, destination });
  const outcomes = new RequestOutcomes();
  const tracing = await tracingOf(traced, (error) =>
    logger.warn({ err: error }, "the last traces could not be sent to the collector"),
  );
  const observer = createRequestObserver({
    outcomes,
    events: sink,
    regionHeader: logging.regionHeader,
    sinks: [
      ...(tracing === null ? [] : [tracing.sink]),
      measureRequests(instruments),
      logRequests(logger, logging.requests),
    ],
  });
  return {
    logger,
    observer,
    observed: (service) => withOutcomes(sink === silentSink ? service : withEvents(service, sink), outcomes),
    [Symbol.asyncDispose]: async () => await tracing?.[Symbol.asyncDispose](),
  };
}

async function tracingOf(
  { endpoint, authorization, sampleShare, service }: ServeConfig["tracing"],
  lost: (error: unknown) => void,
): Promise<Tracing | null> {
  if (endpoint === null) return null;
  const secret = authorization === null ? undefined : await readSecret(authorization);
  return await openTracing({ endpoint, authorization: secret, sampleShare, service, lost });
}
