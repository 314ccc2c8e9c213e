/** One request as logs, traces and metrics tell of it, and the observer that makes it and hands it on. */
import { CupelError, type EventSink } from "@cupel/base";
import type { Arrival } from "../core/admission.ts";
import type { Call } from "../core/call.ts";
import type { StageTimes } from "../core/inference.ts";
import { eventOf, ipOf } from "./events.ts";
import type { RequestObserver } from "./request-observer.ts";
import type { RequestOutcomes } from "./request-outcomes.ts";
import { parseTraceparent, type TraceContext } from "./trace-context.ts";

export interface RequestRecord {
  readonly face: string;
  readonly action: string;
  readonly model: string;
  readonly version: string;
  readonly id: string | undefined;
  /** "OK" where nothing failed. */
  readonly code: string;
  readonly error: CupelError | null;
  /** Null where it was refused before anybody knew. */
  readonly principal: string | null;
  readonly address: string;
  /** As the edge says it in the header of `logging.regionHeader`; null where nobody does. */
  readonly region: string | null;
  readonly elapsedMs: number;
  readonly times: StageTimes;
  /** That the client sent, if it did. */
  readonly parent: TraceContext | null;
  /** Of its trace: the client's, or the one that tracing made. */
  traceId: string | null;
}

/** Asked every few seconds by whatever watches the server: counted, but worth neither a line nor a span. */
export function isProbe({ action }: Pick<RequestRecord, "action">): boolean {
  return probes.has(action);
}

const probes: ReadonlySet<string> = new Set(["live", "ready", "metrics"]);

/** Called in order, synchronously. Must not throw. */
export type RecordSink = (record: RequestRecord) => void;

export interface RequestObserverOptions {
  readonly outcomes: RequestOutcomes;
  /** Traces before logs: they make the trace's id. */
  readonly sinks: readonly RecordSink[];
  /** Told of every refusal at the door, before the client is. */
  readonly events?: EventSink | undefined;
  /** Header that the edge says a request's region in. Default: none. */
  readonly regionHeader?: string | null | undefined;
}

export function createRequestObserver({
  outcomes,
  sinks,
  events,
  regionHeader = null,
}: RequestObserverOptions): RequestObserver {
  const record = (arrival: Arrival, elapsedMs: number, error: CupelError | null) =>
    recordOf(arrival, elapsedMs, error, regionHeader);
  const tell = (record: RequestRecord): void => {
    for (const sink of sinks) sink(record);
  };
  return {
    answered(arrival, call, elapsedMs, failure) {
      const outcome = outcomes.of(call);
      const error = failure ?? outcome?.error ?? null;
      tell({ ...record(arrival, elapsedMs, error), ...asked(call, outcome) });
    },
    async refused(arrival, error, elapsedMs) {
      tell(record(arrival, elapsedMs, error));
      const { face, action, peer } = arrival;
      const subject = { id: "unknown", kind: "anonymous", role: "" };
      const context = { face, ...ipOf(peer.address), asked: action };
      await events?.emit(eventOf("ACCESS.REFUSE", subject, {}, context, error));
    },
  };
}

/** A name of a region, whoever sent it: nothing that would make a line long or look like another. */
const region = /^[A-Za-z0-9-]{1,32}$/;

function recordOf(
  arrival: Arrival,
  elapsedMs: number,
  error: CupelError | null,
  regionHeader: string | null,
): RequestRecord {
  const said = regionHeader === null ? undefined : arrival.header(regionHeader)?.trim();
  const parent = parseTraceparent(arrival.header("traceparent"));
  return {
    face: arrival.face,
    action: arrival.action,
    model: "",
    version: "",
    id: undefined,
    code: error?.code ?? "OK",
    error,
    principal: null,
    address: arrival.peer.address,
    region: said !== undefined && region.test(said) ? said : null,
    elapsedMs,
    times: {},
    parent,
    traceId: parent?.traceId ?? null,
  };
}

function asked(call: Call, outcome: ReturnType<RequestOutcomes["of"]>) {
  const { model = "", version = "", id } = outcome ?? {};
  return { model, version, id, principal: call.principal.id, times: call.times };
}

/** The code of the first error behind an error that has one; "" where there is none. */
export function causeCode(error: CupelError): string {
  let at: unknown = error.cause;
  for (let depth = 0; depth < 8 && at instanceof Error; depth++) {
    if (at instanceof CupelError) return at.code;
    at = at.cause;
  }
  return "";
}
