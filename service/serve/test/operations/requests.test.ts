/** What is told of a request once it is over: lines, spans, figures, events; and what must stand in none of them. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { text as textOf } from "node:stream/consumers";
import { test } from "node:test";
import { baseErrors, type EventSink, type WorkEvent } from "@cupel/base";
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace";
import { createAdmission } from "../../src/access/create-admission.ts";
import type { Arrival } from "../../src/core/admission.ts";
import { serveErrors } from "../../src/errors.ts";
import { parseConfig } from "../../src/operations/config/load-config.ts";
import { withEvents } from "../../src/operations/events.ts";
import { loggedError } from "../../src/operations/logged-error.ts";
import { createLogger, logRequests, type RequestLevel } from "../../src/operations/logger.ts";
import { measureRequests } from "../../src/operations/measure-requests.ts";
import { openOperations } from "../../src/operations/open-operations.ts";
import { createPrometheus } from "../../src/operations/prometheus.ts";
import { redact } from "../../src/operations/redact.ts";
import { RequestOutcomes, withOutcomes } from "../../src/operations/request-outcomes.ts";
import { createRequestObserver, type RecordSink } from "../../src/operations/request-record.ts";
import { parseTraceparent } from "../../src/operations/trace-context.ts";
import { traceInto } from "../../src/operations/tracing.ts";
import { arrival, manualClock } from "../support/arrival.ts";
import { fakeCall, fakeService } from "../support/fake-service.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

interface Run {
  readonly sinks: readonly RecordSink[];
  readonly fails?: unknown;
  readonly arrival?: Arrival;
  /** The face fails, and not the service. */
  readonly faceFails?: unknown;
  readonly events?: EventSink;
  readonly regionHeader?: string;
}

/** One request through the door and the service, 40 ms in all. */
async function request({ arrival: its = arrival(), ...run }: Run): Promise<void> {
  const { sinks, fails, faceFails, events, regionHeader } = run;
  const outcomes = new RequestOutcomes();
  const clock = manualClock();
  const observer = createRequestObserver({ outcomes, sinks, events, regionHeader });
  const admission = createAdmission({ clock, observer });
  const inner = fakeService(() => {
    if (fails !== undefined) throw fails;
  });
  const service = withOutcomes(inner, outcomes);
  using call = await admission.admit(its);
  Object.assign(call.times, { decode: 1, queue: 2, run: 30, encode: 4 });
  clock.advance(40);
  if (faceFails !== undefined) call.failed?.(faceFails);
  else await service.infer({ model: "model", id: "a", inputs: [] }, call).catch(() => {});
}

function logged(level: RequestLevel, at = "info") {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { lines, sink: logRequests(createLogger({ level: at, destination }), level) };
}

test("a request is one line with its code, its stages and the trace it belongs to", async () => {
  const { lines, sink } = logged("info");
  await request({ sinks: [sink], arrival: arrival({ traceparent }) });
  assert.equal(lines.length, 1);
  const { time, ...line } = lines[0]!;
  assert.equal(typeof time, "number");
  assert.deepEqual(line, {
    level: "info",
    face: "rest",
    action: "infer",
    model: "model",
    version: "7",
    id: "a",
    code: "OK",
    principal: "anonymous",
    address: "192.0.2.1",
    ms: 40,
    stages: { decode: 1, queue: 2, run: 30, encode: 4 },
    traceId: "0af7651916cd43dd8448eb211c80319c",
    msg: "request",
  });
});

test("the region that the edge says is in the line where its header is named, and only what looks like one", async () => {
  const { lines, sink } = logged("info");
  const from = (region: string) => arrival({ "x-region": region });
  await request({ sinks: [sink], arrival: from("eu-west-1"), regionHeader: "x-region" });
  await request({ sinks: [sink], arrival: from("eu-west-1") });
  await request({ sinks: [sink], arrival: arrival(), regionHeader: "x-region" });
  for (const wrong of ["a\nb", "", "x".repeat(33), "DE, FR"]) {
    await request({ sinks: [sink], arrival: from(wrong), regionHeader: "x-region" });
  }
  assert.deepEqual(
    lines.map(({ region }) => region),
    ["eu-west-1", ...Array.from({ length: 6 }, () => undefined)],
  );
});

test("lines of requests are off or at their level, but a failure of the server is always an error", async () => {
  const bad = serveErrors.error("DATATYPE_UNSUPPORTED", "no such type");
  const ours = baseErrors.error("THREAD_CRASHED", "the engine crashed");
  const levels = async (level: RequestLevel, at: string) => {
    const { lines, sink } = logged(level, at);
    for (const fails of [undefined, bad, ours]) await request({ sinks: [sink], fails });
    await request({ sinks: [sink], arrival: arrival({}, { action: "live" }) });
    return lines.map((line) => `${line.level} ${line.code}`);
  };
  assert.deepEqual(await levels("info", "info"), [
    "info OK",
    "info DATATYPE_UNSUPPORTED",
    "error THREAD_CRASHED",
  ]);
  assert.deepEqual(await levels("debug", "info"), ["error THREAD_CRASHED"]);
  assert.deepEqual(await levels("off", "trace"), ["error THREAD_CRASHED"]);
});

test("an error that the face found and a refusal at the door are told as well", async () => {
  const { lines, sink } = logged("info");
  await request({ sinks: [sink], faceFails: serveErrors.error("REQUEST_INVALID", "no JSON") });
  await assert.rejects(request({ sinks: [sink], arrival: arrival({}, { action: "debug" }) }));
  assert.deepEqual(
    lines.map(({ code, principal }) => [code, principal]),
    [
      ["REQUEST_INVALID", "anonymous"],
      ["AUTH_REQUIRED", undefined],
    ],
  );
});

test("causes of an error are logged to a depth and a length, without tokens and paths", () => {
  let chain: unknown = new Error("x".repeat(100_000));
  for (let i = 0; i < 20; i++) chain = new Error(`level ${i}`, { cause: chain });
  const looped = new Error("loop");
  looped.cause = looped;
  for (const error of [chain, looped]) {
    let depth = 0;
    for (let at = loggedError(error).cause; at; at = at.cause) depth++;
    assert.equal(depth, 4);
  }
  const long = loggedError(
    new Error("y".repeat(100_000), { cause: new Error("open /home/ann/models/secret.onnx") }),
  );
  assert.ok(long.message.length <= 501);
  assert.equal(long.cause?.message, "open [path]/secret.onnx");
  assert.ok(long.stack!.length > 0 && !JSON.stringify(long).includes(import.meta.dirname));
  assert.equal(loggedError(serveErrors.error("MODEL_UNKNOWN", "no")).stack, undefined);
});

test("tokens, passwords and paths are taken out of a text, and what is none stays", () => {
  const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";
  const cases: readonly (readonly [string, string])[] = [
    [`Authorization: Bearer ${jwt}`, "Authorization: Bearer [redacted]"],
    [`it was ${jwt}`, "it was [redacted]"],
    ["x-api-key=abc123&y=1", "x-api-key=[redacted]&y=1"],
    ['{"password": "hunter2"}', '{"password": [redacted]"}'],
    ["https://ann:pw@host/a", "https://[redacted]@host/a"],
    ["ENOENT: open '/srv/models/a b/1/model.onnx'", "ENOENT: open '[path]/a b/1/model.onnx'"],
    ["at file:///srv/x/y.ts:3:4", "at [path]/y.ts:3:4"],
    ["C:\\models\\a.onnx is missing", "[path]\\a.onnx is missing"],
    [
      "POST https://collector.example:4318/v1/traces failed",
      "POST https://collector.example:4318/v1/traces failed",
    ],
    ["application/json, 3/4, a/b", "application/json, 3/4, a/b"],
    ["The token has expired. Get a new one.", "The token has expired. Get a new one."],
  ];
  for (const [text, redacted] of cases) assert.equal(redact(text), redacted);
});

test("requests are counted by code, timed by stage, and errors by what is behind them", async () => {
  using prometheus = createPrometheus({ models: { has: (model) => model === "model" } });
  const sinks = [measureRequests(prometheus)];
  await request({ sinks });
  const cause = baseErrors.error("THREAD_CRASHED", "the engine crashed");
  await request({
    sinks,
    fails: baseErrors.error("INTERNAL", "wrapped", { cause: new Error("by", { cause }) }),
  });
  const text = prometheus.metricsText();
  for (const line of [
    'cupel_requests_total{face="rest",action="infer",model="model",version="7",code="OK"} 1',
    'cupel_requests_total{face="rest",action="infer",model="model",version="",code="INTERNAL"} 1',
    'cupel_request_seconds_bucket{face="rest",action="infer",model="model",version="7",le="0.025"} 0',
    'cupel_request_seconds_bucket{face="rest",action="infer",model="model",version="7",le="0.05"} 1',
    'cupel_stage_seconds_sum{model="model",version="7",stage="run"} 0.03',
    'cupel_errors_total{code="INTERNAL",cause="THREAD_CRASHED"} 1',
  ]) {
    assert.ok(text.includes(`${line}\n`), line);
  }
  assert.ok(!text.includes('stage="batch"'));
});

test("a request is a span under the client's, with a child a stage", async () => {
  const exporter = new InMemorySpanExporter();
  await using tracing = await traceInto(new SimpleSpanProcessor({ exporter }), {
    clock: manualClock(),
    service: "line 3",
  });
  const { lines, sink } = logged("info");
  await request({ sinks: [tracing.sink, sink], arrival: arrival({ traceparent }) });
  const spans = exporter.getFinishedSpans();
  const root = spans.find(({ name }) => name === "infer")!;
  assert.equal(root.spanContext().traceId, "0af7651916cd43dd8448eb211c80319c");
  assert.equal(root.parentSpanContext?.spanId, "b7ad6b7169203331");
  assert.equal(root.resource.attributes["service.name"], "line 3");
  assert.equal(root.attributes["cupel.code"], "OK");
  const stages = spans.filter((span) => span.parentSpanContext?.spanId === root.spanContext().spanId);
  assert.deepEqual(
    stages.map(({ name, duration }) => [name, Math.round(duration[1] / 1e6)]),
    [
      ["decode", 1],
      ["queue", 2],
      ["run", 30],
      ["encode", 4],
    ],
  );
  const nanos = ([seconds, nano]: readonly [number, number]) =>
    BigInt(seconds) * 1_000_000_000n + BigInt(nano);
  assert.equal(nanos(root.endTime) - nanos(root.startTime), 40_000_000n);
  assert.equal(nanos(stages.at(-1)!.endTime), nanos(root.endTime));
  assert.equal(lines[0]?.traceId, "0af7651916cd43dd8448eb211c80319c");
});

test("a request without a trace begins one; a client that does not sample is followed; a probe makes none", async () => {
  const exporter = new InMemorySpanExporter();
  await using tracing = await traceInto(new SimpleSpanProcessor({ exporter }));
  const { lines, sink } = logged("info");
  await request({ sinks: [tracing.sink, sink], fails: new Error("a defect") });
  const root = exporter.getFinishedSpans().find(({ name }) => name === "infer")!;
  assert.equal(root.parentSpanContext, undefined);
  assert.equal(root.status.message, "INTERNAL");
  assert.equal(lines[0]?.traceId, root.spanContext().traceId);
  exporter.reset();
  await request({
    sinks: [tracing.sink],
    arrival: arrival({ traceparent: traceparent.replace(/01$/, "00") }),
  });
  assert.equal(exporter.getFinishedSpans().length, 0);
});

test("a traceparent is read as W3C Trace Context has it", () => {
  assert.deepEqual(parseTraceparent(traceparent), {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    isSampled: true,
  });
  const later = traceparent.replace(/^00/, "cc");
  assert.ok(parseTraceparent(`${later}-what-the-future-will-be-like`));
  for (const bad of [
    undefined,
    "",
    traceparent.replace(/^00/, "ff"),
    `${traceparent}-what-the-future-will-be-like`,
    `${later}.`,
    traceparent.toUpperCase(),
    traceparent.replace("0af7651916cd43dd8448eb211c80319c", "0".repeat(32)),
    traceparent.replace("b7ad6b7169203331", "0".repeat(16)),
    traceparent.slice(1),
  ]) {
    assert.equal(parseTraceparent(bad), null, bad ?? "absent");
  }
});

function recorded() {
  const events: WorkEvent[] = [];
  const steps: string[] = [];
  const sink: EventSink = {
    async emit(event) {
      await new Promise((resolve) => setImmediate(resolve));
      events.push(event);
      steps.push("durable");
    },
  };
  return { events, steps, sink };
}

test("a run, a load and an unload are events, and are answered when the sink has them", async () => {
  const { events, steps, sink } = recorded();
  const service = withEvents(fakeService(), sink);
  const call = fakeCall({ principal: { id: "key:line-3", roles: ["caller", "reader"] } });
  await service.infer({ model: "model", id: "i".repeat(1000), inputs: [] }, call);
  steps.push("answered");
  await service.predict({ model: "model", version: "7", images: [] }, call);
  await service.loadModel("model", call);
  await service.unloadModel("model", call);
  assert.deepEqual(steps.slice(0, 2), ["durable", "answered"]);
  assert.deepEqual(
    events.map(({ action }) => action),
    ["INFER.REQUEST", "INFER.REQUEST", "MODEL.LOAD.REQUEST", "MODEL.UNLOAD.REQUEST"],
  );
  assert.deepEqual(events[0], {
    action: "INFER.REQUEST",
    severity: "INFO",
    subject: { id: "key:line-3", kind: "client", role: "caller,reader" },
    object: { model: "model", version: "7" },
    context: { face: "rest", ip: "192.0.2.1", method: "infer", id: "i".repeat(128), code: "OK" },
  });
});

test("what fails is an event with its code; where the sink refuses, so does the call", async () => {
  const { events, sink } = recorded();
  const failing = (error: unknown) =>
    fakeService(() => {
      throw error;
    });
  const bad = serveErrors.error("DATATYPE_UNSUPPORTED", "no such type");
  const infer = (error: unknown) =>
    withEvents(failing(error), sink).infer({ model: "m", inputs: [] }, fakeCall());
  await assert.rejects(infer(bad), bad);
  await assert.rejects(infer(new Error("a defect")));
  assert.deepEqual(
    events.map(({ severity, context }) => `${severity} ${context.code}`),
    ["WARN DATATYPE_UNSUPPORTED", "ERROR INTERNAL"],
  );
  const full = new Error("no room for a record");
  const refusing = withEvents(fakeService(), { emit: () => Promise.reject(full) });
  await assert.rejects(refusing.infer({ model: "m", inputs: [] }, fakeCall()), full);
});

test("a refusal at the door is an event before the client is told", async () => {
  const { events, sink } = recorded();
  const refused = request({ sinks: [], events: sink, arrival: arrival({}, { action: "debug" }) });
  await assert.rejects(refused, { code: "AUTH_REQUIRED" });
  assert.deepEqual(events, [
    {
      action: "ACCESS.REFUSE",
      severity: "WARN",
      subject: { id: "unknown", kind: "anonymous", role: "" },
      object: {},
      context: { face: "rest", ip: "192.0.2.1", asked: "debug", code: "AUTH_REQUIRED" },
    },
  ]);
});

test("a request is logged, counted, recorded and traced; the secret of the collector is in no line", async () => {
  const received: { readonly authorization: string | undefined; readonly body: string }[] = [];
  const collector = createServer(async (request, response) => {
    received.push({ authorization: request.headers.authorization, body: await textOf(request) });
    response.end("{}");
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const address = collector.address();
  assert.ok(typeof address === "object" && address !== null);
  process.env.CUPEL_TEST_COLLECTOR = "Bearer secret-of-the-collector";
  try {
    const { config } = parseConfig({
      flags: {
        "tracing.endpoint": `http://127.0.0.1:${address.port}/v1/traces`,
        "tracing.authorization": "$ENV:CUPEL_TEST_COLLECTOR",
      },
    });
    using instruments = createPrometheus({ models: { has: () => true } });
    const lines: string[] = [];
    const actions: string[] = [];
    {
      await using operations = await openOperations(config, {
        instruments,
        sink: { emit: async ({ action }) => void actions.push(action) },
        destination: { write: (line) => void lines.push(line) },
      });
      const admission = createAdmission({ instruments, observer: operations.observer });
      const service = operations.observed(fakeService());
      using call = await admission.admit(arrival());
      await service.infer({ model: "model", inputs: [] }, call);
    }
    assert.deepEqual(actions, ["INFER.REQUEST"]);
    assert.equal(lines.length, 1);
    assert.ok(instruments.metricsText().includes('model="model",version="7",code="OK"} 1\n'));
    assert.equal(received[0]?.authorization, "Bearer secret-of-the-collector");
    const { traceId } = JSON.parse(lines[0]!);
    const { resourceSpans } = JSON.parse(received[0]!.body);
    const span = resourceSpans[0].scopeSpans[0].spans[0];
    assert.equal(span.name, "infer");
    assert.equal(span.traceId, traceId);
    assert.ok(!lines.join("").includes("secret-of-the-collector"));
  } finally {
    delete process.env.CUPEL_TEST_COLLECTOR;
    collector.closeAllConnections();
    collector.close();
  }
});

test("a server stops without its collector, and says that traces were lost", async () => {
  const { config } = parseConfig({ flags: { "tracing.endpoint": "http://127.0.0.1:1/v1/traces" } });
  using instruments = createPrometheus({ models: { has: () => true } });
  const lines: string[] = [];
  const operations = await openOperations(config, {
    instruments,
    destination: { write: (line) => void lines.push(line) },
  });
  const admission = createAdmission({ observer: operations.observer });
  {
    using call = await admission.admit(arrival());
    await operations.observed(fakeService()).infer({ model: "model", inputs: [] }, call);
  }
  await operations[Symbol.asyncDispose]();
  assert.match(lines.at(-1) ?? "", /"level":"warn".*could not be sent/);
});
