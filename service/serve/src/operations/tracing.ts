/**
 * Traces for OpenTelemetry: a span a request, with a child a stage, made when the request is over. Nothing of the SDK is
 * even loaded where no collector is named. Stages follow one another, so that their lengths say where they stand.
 */

import { type Clock, systemClock } from "@cupel/base";
import {
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { SpanProcessor } from "@opentelemetry/sdk-trace";
import { stages } from "../core/inference.ts";
import { isProbe, type RecordSink, type RequestRecord } from "./request-record.ts";

export interface TracingOptions {
  /** Of the collector, for OTLP over HTTP, such as "http://127.0.0.1:4318/v1/traces". */
  readonly endpoint: string;
  /** Value of the header Authorization that the collector wants. */
  readonly authorization?: string | undefined;
  /** Of the requests without a trace of their own; others follow their parent. Default 1. */
  readonly sampleShare?: number | undefined;
  /** Default "cupel". */
  readonly service?: string | undefined;
  readonly clock?: Clock | undefined;
  /** Told when the last spans could not be sent as the server stopped. Default: nobody. */
  readonly lost?: ((error: unknown) => void) | undefined;
}

export interface Tracing extends AsyncDisposable {
  readonly sink: RecordSink;
}

/** For a collector that does not answer, in ms: so long may the end of a server wait for it. */
const patience = 2_000;

/** Spans wait in memory and are sent in batches; those that the collector does not take in time are dropped. */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
  const { BatchSpanProcessor } = await import("@opentelemetry/sdk-trace");
  const { endpoint: url, authorization } = options;
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis: patience });
  return await traceInto(new BatchSpanProcessor({ exporter, exportTimeoutMillis: patience }), options);
}

export async function traceInto(
  processor: SpanProcessor,
  {
    sampleShare = 1,
    service = "cupel",
    clock = systemClock,
    lost = () => {},
  }: Omit<TracingOptions, "endpoint"> = {},
): Promise<Tracing> {
  const { ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } = await import(
    "@opentelemetry/sdk-trace"
  );
  const { resourceFromAttributes } = await import("@opentelemetry/resources");
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": service }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleShare) }),
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer("cupel");
  return {
    sink(record) {
      if (!isProbe(record)) traceRequest(tracer, record, clock.now());
    },
    async [Symbol.asyncDispose]() {
      try {
        await provider.shutdown();
      } catch (thrown) {
        // Whoever stops a server need not have a collector for it.
        lost(thrown);
      }
    },
  };
}

/** @param end wall clock in ms */
function traceRequest(tracer: Tracer, record: RequestRecord, end: number): void {
  const { face, action, model, version, code, error, elapsedMs, times, parent } = record;
  const start = end - elapsedMs;
  const outside =
    parent === null
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, {
          traceId: parent.traceId,
          spanId: parent.spanId,
          traceFlags: parent.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
          isRemote: true,
        });
  const attributes = {
    "cupel.face": face,
    "cupel.action": action,
    "cupel.model": model,
    "cupel.version": version,
    "cupel.code": code,
  };
  const span = tracer.startSpan(action, { kind: SpanKind.SERVER, startTime: start, attributes }, outside);
  record.traceId = span.spanContext().traceId;
  if (span.isRecording()) {
    const inside = trace.setSpan(ROOT_CONTEXT, span);
    let at = start;
    for (const stage of stages) {
      const ms = times[stage];
      if (ms === undefined) continue;
      // The answer is written last, whatever lies between.
      const from = stage === "encode" ? Math.max(at, end - ms) : at;
      tracer.startSpan(stage, { startTime: from }, inside).end(from + ms);
      at = from + ms;
    }
  }
  finish(span, error !== null && error.spec.http >= 500 ? error.code : null, end);
}

function finish(span: Span, failure: string | null, end: number): void {
  // OpenTelemetry wants failures of the server marked, not those of its callers.
  if (failure !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
  span.end(end);
}
