/** What a scrape says: the text format, the bounds of labels, the process, and many processes as one. */
import assert from "node:assert/strict";
import cluster from "node:cluster";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createRandom } from "@cupel/base";
import * as promClient from "prom-client";
import { collectFromWorkers } from "../../src/operations/cluster-metrics.ts";
import { labelBounds } from "../../src/operations/label-bounds.ts";
import { metricTable } from "../../src/operations/metric-table.ts";
import { createMetricWriter, mergeSnapshots } from "../../src/operations/metric-text.ts";
import { createPrometheus } from "../../src/operations/prometheus.ts";
import { SeriesIndex } from "../../src/operations/series-index.ts";

const models = { has: (model: string) => /^model\d*$/.test(model) };

/** The lines of one metric, without comments. */
const linesOf = (text: string, name: string) => text.split("\n").filter((line) => line.startsWith(name));

test("a histogram is written as cumulative buckets, a sum and a count", async () => {
  using prometheus = createPrometheus({ models });
  for (const rows of [1, 2, 2, 300]) {
    prometheus.observe("batchRows", { model: "model", version: "1" }, rows);
  }
  const lines = linesOf(prometheus.metricsText(), "cupel_batch_rows");
  const of = (le: string) => lines.find((line) => line.includes(`le="${le}"`))?.split(" ")[1];
  assert.deepEqual([of("1"), of("2"), of("128"), of("+Inf")], ["1", "3", "3", "4"]);
  assert.equal(lines.at(-2), 'cupel_batch_rows_sum{model="model",version="1"} 305');
  assert.equal(lines.at(-1), 'cupel_batch_rows_count{model="model",version="1"} 4');
});

test("every row has its HELP and TYPE, and two servers of one process do not add up", async () => {
  using one = createPrometheus({ models });
  using two = createPrometheus({ models });
  one.count("cache", { model: "model", outcome: "hit" }, 3);
  const [first, second] = [one.metricsText(), two.metricsText()];
  for (const { name, kind } of Object.values(metricTable)) {
    assert.ok(first.includes(`# TYPE ${name} ${kind}\n`), name);
    assert.ok(first.includes(`# HELP ${name} `), name);
  }
  assert.deepEqual(linesOf(first, "cupel_cache"), ['cupel_cache_total{model="model",outcome="hit"} 3']);
  assert.deepEqual(linesOf(second, "cupel_cache"), []);
});

test("a label value outside its closed set becomes other, and what a client sends makes no series", async () => {
  using prometheus = createPrometheus({ models });
  for (let i = 0; i < 100; i++) {
    prometheus.count("requests", {
      face: "rest",
      action: `x${i}`,
      model: `"}\n${i}`,
      version: `${i}.5`,
      code: `no code ${i}`,
    });
  }
  assert.deepEqual(linesOf(prometheus.metricsText(), "cupel_requests_total"), [
    'cupel_requests_total{face="rest",action="other",model="other",version="other",code="other"} 100',
  ]);
});

test("every label of every metric has values that are not other", () => {
  using prometheus = createPrometheus({ models });
  prometheus.count("connectionErrors", { cause: "rapid_reset" });
  prometheus.count("connections", { protocol: "http2", tls: "TLSv1.3", alpn: "h2" });
  prometheus.observe("handshakeSeconds", { tls: "TLSv1.3", resumed: "no" }, 0.01);
  prometheus.count("errors", { code: "INTERNAL", cause: "RUN_FAILED" });
  assert.ok(!prometheus.metricsText().includes('"other"'));
  // A value that some metric takes: one of these, and by name where it means another thing.
  const taken: Readonly<Record<string, string>> = {
    face: "grpc",
    action: "infer",
    model: "model",
    version: "1",
    code: "OK",
    cause: "INTERNAL",
    stage: "run",
    outcome: "hit",
    limit: "limits.rate",
    metric: "cupel_requests_total",
    quantile: "1",
    kind: "external",
    protocol: "http1",
    tls: "none",
    alpn: "none",
    resumed: "yes",
    "connectionErrors.cause": "stalled",
    "processesEnded.cause": "SIGKILL",
    "recordSeconds.outcome": "kept",
  };
  const boundOf = labelBounds(models);
  for (const [metric, { labels }] of Object.entries(metricTable)) {
    for (const label of labels) {
      const value = taken[`${metric}.${label}`] ?? taken[label];
      assert.ok(value !== undefined && boundOf(metric, label)(value), `${metric}.${label}`);
    }
  }
});

test("a metric has as many series as it may, and says that it has no more", async () => {
  using prometheus = createPrometheus({ models, seriesPerMetric: 2 });
  for (const model of ["model1", "model2", "model3", "model4", "model1"]) {
    prometheus.count("cache", { model, outcome: "miss" });
  }
  const text = prometheus.metricsText();
  assert.deepEqual(linesOf(text, "cupel_cache_total"), [
    'cupel_cache_total{model="model1",outcome="miss"} 2',
    'cupel_cache_total{model="model2",outcome="miss"} 1',
    'cupel_cache_total{model="other",outcome="other"} 2',
  ]);
  assert.ok(text.includes('cupel_series_capped_total{metric="cupel_cache_total"} 2\n'));
});

test("an index finds the series it made, and labels that differ in one value are two", () => {
  const anything = () => true;
  const index = new SeriesIndex({
    labels: ["a", "b"],
    boundOf: () => anything,
    most: 10,
    width: 1,
  });
  assert.equal(index.find({ a: "1", b: "2" }), index.find({ b: "2", a: "1" }));
  assert.notEqual(index.find({ a: "1", b: "2" }), index.find({ a: "1", b: "1" }));
  assert.equal(index.find({ a: '1"\\', b: "\n" })?.labels, 'a="1\\"\\\\",b="\\n"');
});

test("the same figures recorded with prom-client are written in the same lines", async () => {
  using prometheus = createPrometheus({ models });
  const registry = new promClient.Registry();
  const { requests, requestSeconds } = metricTable;
  const counter = new promClient.Counter({ ...requests, labelNames: requests.labels, registers: [registry] });
  const histogram = new promClient.Histogram({
    ...requestSeconds,
    labelNames: requestSeconds.labels,
    buckets: [...requestSeconds.buckets],
    registers: [registry],
  });
  const random = createRandom(7);
  for (let i = 0; i < 300; i++) {
    const labels = { face: "rest", action: "infer", model: `model${random.integer(3)}`, version: "1" };
    const code = ["OK", "QUEUE_LIMIT"][random.integer(2)]!;
    counter.inc({ ...labels, code });
    prometheus.count("requests", { ...labels, code });
    // Powers of two add up to the same sum in any order.
    const seconds = 2 ** -random.integer(12);
    histogram.observe(labels, seconds);
    prometheus.observe("requestSeconds", labels, seconds);
  }
  // Labels may stand in any order; prom-client writes "le" first.
  const sorted = (text: string) =>
    text
      .split("\n")
      .filter((line) => /^(# (HELP|TYPE) )?cupel_request(s_total|_seconds)/.test(line))
      .map((line) => line.replace(/\{(.*)\}/, (_, labels) => `{${labels.split(",").sort().join(",")}}`))
      .sort();
  assert.deepEqual(sorted(prometheus.metricsText()), sorted(await registry.metrics()));
});

test("the process tells its memory, its processor time and its start", async () => {
  using prometheus = createPrometheus({ models });
  prometheus.metricsText();
  const text = prometheus.metricsText();
  const value = (name: string) => Number(linesOf(text, name)[0]?.split(" ")[1]);
  assert.ok(value("process_resident_memory_bytes") > 20e6);
  const { user, system } = process.cpuUsage();
  assert.ok(value("process_cpu_seconds_total") <= (user + system) / 1e6);
  assert.ok(value("process_cpu_seconds_total") > 0.05);
  assert.ok(Math.abs(value("process_start_time_seconds") - (Date.now() / 1000 - process.uptime())) < 5);
  assert.equal(linesOf(text, "nodejs_eventloop_lag_seconds").length, 3);
});

test("values of processes are put together by the rule of their row", async () => {
  using one = createPrometheus({ models });
  using two = createPrometheus({ models });
  const version = { model: "model", version: "1" };
  for (const [instruments, by] of [
    [one, 1],
    [two, 2],
  ] as const) {
    instruments.set("queued", version, by);
    instruments.set("breakerState", version, by);
    instruments.observe("batchRows", version, by);
  }
  const text = createMetricWriter()(mergeSnapshots([one.snapshot(), two.snapshot()]));
  const value = (name: string) => Number(linesOf(text, name)[0]?.split(" ")[1]);
  assert.equal(value("cupel_queued_requests"), 3);
  assert.equal(value("cupel_breaker_state"), 2);
  assert.equal(value("cupel_processes"), 2);
  assert.equal(value("cupel_batch_rows_sum"), 3);
  assert.equal(value("cupel_batch_rows_count"), 2);
});

test("one scrape of a cluster tells of every worker", { timeout: 60_000 }, async () => {
  using _collecting = collectFromWorkers();
  cluster.setupPrimary({ exec: fileURLToPath(new URL("../support/metrics-worker.ts", import.meta.url)) });
  const workers = [cluster.fork(), cluster.fork()];
  await Promise.all(workers.map((worker) => once(worker, "message")));
  const answered = once(workers[0]!, "message", { signal: AbortSignal.timeout(50_000) });
  const texts = new Promise<string>((resolve) => {
    workers[0]!.on("message", (message: { text?: string }) => {
      if (message.text !== undefined) resolve(message.text);
    });
  });
  workers[0]!.send("scrape");
  await answered;
  const text = await texts;
  assert.deepEqual(linesOf(text, "cupel_cache_total"), ['cupel_cache_total{model="model",outcome="hit"} 2']);
  assert.deepEqual(linesOf(text, "cupel_processes"), ["cupel_processes 2"]);
  for (const worker of workers) {
    const left = once(worker, "exit");
    worker.kill();
    await left;
  }
});
