/** Structured logs: a JSON object a line, by pino, to the standard output or where the owner says. */
import { type DestinationStream, type Logger, pino } from "pino";
import type { RepositoryLine } from "../repository/repository-options.ts";
import { type LoggedError, loggedError } from "./logged-error.ts";
import { isProbe, type RecordSink } from "./request-record.ts";

export interface LoggerOptions {
  /** Default "info". */
  readonly level?: string | undefined;
  /** Default: the standard output. Written synchronously, so that nothing is lost when the process ends. */
  readonly destination?: DestinationStream | undefined;
}

/** Errors under `err` are bounded and redacted. */
export function createLogger({ level = "info", destination }: LoggerOptions = {}): Logger {
  const options = {
    level,
    base: null,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: (thrown: unknown): LoggedError => loggedError(thrown) },
  };
  return destination ? pino(options, destination) : pino(options);
}

export type RequestLevel = "off" | "trace" | "debug" | "info";

/** A line of the repository: a model that was loaded, left out, or failed. */
export function logRepository(logger: Logger): (line: RepositoryLine) => void {
  return ({ level, message, error, ...about }) => {
    logger[level]({ ...about, ...(error === undefined ? {} : { err: error }) }, message);
  };
}

/** A client chooses its ids and its address may be anything a proxy says: what is written of one. */
const longestText = 128;

/** One line a request, of what watches the server at level trace. A failure of the server is an error whatever the level; with "off" nothing else is written. */
export function logRequests(logger: Logger, level: RequestLevel): RecordSink {
  return (record) => {
    const { error } = record;
    const isOurs = error !== null && error.spec.http >= 500;
    const at = isOurs ? "error" : level !== "off" && isProbe(record) ? "trace" : level;
    if (at === "off" || !logger.isLevelEnabled(at)) return;
    const { face, action, model, version, code, principal, address, region, traceId, id } = record;
    const line = {
      face,
      action,
      ...(model === "" ? {} : { model: bounded(model) }),
      ...(version === "" ? {} : { version: bounded(version) }),
      ...(id === undefined ? {} : { id: bounded(id) }),
      code,
      ...(principal === null ? {} : { principal }),
      address,
      ms: rounded(record.elapsedMs),
      stages: record.times,
      ...(region === null ? {} : { region }),
      ...(traceId === null ? {} : { traceId }),
      ...(error === null ? {} : { err: error }),
    };
    logger[at](line, "request");
  };
}

function bounded(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}

/** To a microsecond. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
