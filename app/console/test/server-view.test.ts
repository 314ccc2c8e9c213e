/** Figures of the server's console: read out of text, put together over time, and bounded. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import test from "node:test";
import { createRandom } from "@cupel/base";
import { curlLine } from "../pages/server/view/curl-line.ts";
import { bucketsOf, meanOf, quantileOf } from "../pages/server/view/distribution.ts";
import { breakerState, errorFigures, loadFigures, stageFigures } from "../pages/server/view/figures.ts";
import { lastMinute, noHistory, remember } from "../pages/server/view/history.ts";
import { samplesOf } from "../pages/server/view/metric-text.ts";
import { readIndex, rowsWithoutIndex, stateWords } from "../pages/server/view/model-rows.ts";
import { pollDelay } from "../pages/server/view/poll-delay.ts";
import { readProblem } from "../pages/server/view/problem.ts";
import { readServerTiming } from "../pages/server/view/server-timing.ts";
import { everywhere, readSnapshot } from "../pages/server/view/snapshot.ts";
import { metricText } from "./fixture/servers.ts";

test("the format's own example of lines is read, escapes and all", () => {
  // https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-example
  const text = String.raw`# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9
# Minimalistic line:
metric_without_timestamp_and_labels 12.47
something_weird{problem="division by zero"} +Inf -3982045
http_request_duration_seconds_bucket{le="0.05"} 24054
rpc_duration_seconds{quantile="0.01"} NaN
`;
  const found = [...samplesOf(text)].map(({ name, labels, value }) => [
    name,
    Object.fromEntries(labels),
    value,
  ]);
  assert.deepEqual(found, [
    ["http_requests_total", { method: "post", code: "200" }, 1027],
    [
      "msdos_file_access_time_seconds",
      { path: "C:\\DIR\\FILE.TXT", error: 'Cannot find file:\n"FILE.TXT"' },
      1458255915,
    ],
    ["metric_without_timestamp_and_labels", {}, 12.47],
    ["something_weird", { problem: "division by zero" }, Number.POSITIVE_INFINITY],
    ["http_request_duration_seconds_bucket", { le: "0.05" }, 24054],
    ["rpc_duration_seconds", { quantile: "0.01" }, Number.NaN],
  ]);
  assert.deepEqual(
    [...samplesOf('\n{} 1\nno number\n<html>\nx{a="}"} 3')].map(({ value }) => value),
    [3],
  );
});

test("a quantile of buckets is that of values that lie evenly in them", () => {
  const bounds = [1, 2, 5, 10, Number.POSITIVE_INFINITY];
  const random = createRandom(11);
  for (let round = 0; round < 50; round++) {
    // Values that do lie evenly: of each bucket its own number, at the middles of equal parts.
    const inBucket = bounds.slice(0, -1).map(() => random.integer(200));
    const values = inBucket.flatMap((count, i) => {
      const lower = bounds[i - 1] ?? 0;
      return Array.from({ length: count }, (_, k) => lower + ((bounds[i]! - lower) * (k + 0.5)) / count);
    });
    if (values.length === 0) continue;
    const counts = bounds.map((bound) => values.filter((value) => value <= bound).length);
    const distribution = { bounds, counts, sum: values.reduce((sum, value) => sum + value, 0) };
    for (const share of [0.1, 0.5, 0.9, 0.99]) {
      // The empirical one is within one step of it.
      const at = Math.min(values.length - 1, Math.max(0, Math.ceil(share * values.length) - 1));
      const [low, high] = [values[Math.max(0, at - 1)]!, values[Math.min(values.length - 1, at + 1)]!];
      const found = quantileOf(distribution, share)!;
      assert.ok(
        found >= low - 5 / Math.min(...inBucket.filter(Boolean)) && found <= high + 5,
        `${share}: ${low} ${found} ${high}`,
      );
    }
    assert.equal(meanOf(distribution), distribution.sum / values.length);
    assert.deepEqual(
      bucketsOf(distribution).map(({ count }) => count),
      [...inBucket, 0],
    );
  }
  // As Prometheus documents it: the middle of one bucket; the last bound for what is above it; nothing of nothing.
  const one = (counts: readonly number[]) => ({ bounds: [1, 2, Number.POSITIVE_INFINITY], counts, sum: 0 });
  assert.equal(quantileOf(one([0, 10, 10]), 0.5), 1.5);
  assert.equal(quantileOf(one([10, 10, 10]), 0.5), 0.5);
  assert.equal(quantileOf(one([0, 0, 10]), 0.5), 2);
  assert.equal(quantileOf(one([0, 0, 0]), 0.5), null);
  assert.equal(quantileOf({ bounds: [], counts: [], sum: 0 }, 0.5), null);
});

test("figures are of the time between two looks: rates, shares, times, each model's own", () => {
  const first = readSnapshot(metricText(1), 0);
  let history = remember(noHistory, first);
  assert.equal(lastMinute(history), null);
  assert.equal(loadFigures(first, null).rate, null);
  const second = readSnapshot(metricText(3), 10_000);
  history = remember(history, second);
  const span = lastMinute(history);
  const load = loadFigures(second, span);
  // Two rounds of 125 requests, 25 of them refused, in ten seconds.
  assert.deepEqual([load.rate, load.errorShare, load.queued], [25, 0.2, 3]);
  // Rank 125 of 250: 120 are up to 10 ms, and 5 of the next 120 up to 100.
  assert.ok(Math.abs(load.p50! - (10 + (90 * 5) / 120)) < 1e-9, String(load.p50));
  assert.equal(load.rows, 110 / 70);
  const other = loadFigures(second, span, (labels) => labels.get("model") === "other");
  assert.deepEqual([other.rate, other.errorShare, other.p50, other.rows], [0, null, null, null]);
  // Rank 198 of 200: 180 are up to 10 ms, and the other 20 up to 100.
  const stageP99 = 1000 * (0.01 + (0.1 - 0.01) * (18 / 20));
  assert.deepEqual(stageFigures(span)[0], { stage: "decode", requests: 200, mean: 10, p99: stageP99 });
  assert.deepEqual(errorFigures(second, span), [{ code: "IMAGE_INVALID", all: 75, lately: 50 }]);
  assert.equal(breakerState(second, everywhere), "half open");
  assert.equal(
    breakerState(second, () => false),
    null,
  );
  assert.deepEqual(
    rowsWithoutIndex(second).map(({ name, version }) => [name, version]),
    [["parts", "1"]],
  );
});

test("a page that is open for a day keeps a minute of snapshots and five of points; a new start begins anew", () => {
  let history = noHistory;
  const day = 43_200;
  const text = metricText(1);
  const { series, distributions } = readSnapshot(text, 0);
  for (let look = 0; look < day; look++)
    history = remember(history, { at: look * 2000, series, distributions });
  assert.ok(history.snapshots.length <= 9, String(history.snapshots.length));
  assert.equal(history.points.length, 150);
  const { seconds = 0 } = lastMinute(history) ?? {};
  assert.ok(seconds >= 60 && seconds <= 72, String(seconds));
  // Rare looks are kept as well, however far apart.
  let rare = noHistory;
  for (let look = 0; look < 100; look++) rare = remember(rare, { at: look * 30_000, series, distributions });
  assert.ok(
    rare.snapshots.length <= 4 && lastMinute(rare)?.seconds === 60,
    String(lastMinute(rare)?.seconds),
  );
  const more = remember(history, readSnapshot(metricText(9), day * 2000));
  const restarted = remember(more, readSnapshot(metricText(2), day * 2000 + 2000));
  assert.deepEqual([restarted.snapshots.length, restarted.points.length], [1, 0]);
});

test("looks are rarer while the server fails, asks for time, or is slow to answer", () => {
  const look = { failures: 0, tookMs: 5, retryAfterMs: 0 };
  assert.equal(pollDelay(look), 2000);
  assert.deepEqual(
    [1, 2, 3, 4, 99].map((failures) => pollDelay({ ...look, failures })),
    [4000, 8000, 16_000, 30_000, 30_000],
  );
  assert.equal(pollDelay({ ...look, retryAfterMs: 7000 }), 7000);
  assert.equal(pollDelay({ ...look, retryAfterMs: 3_600_000 }), 30_000);
  assert.equal(pollDelay({ ...look, tookMs: 500 }), 10_000);
});

test("a shell reads the curl line as the words that are meant, whatever they are", {
  skip: process.platform === "win32",
}, () => {
  for (const file of [
    "part.png",
    'it\'s a "part".png',
    "-o x.png",
    "$(touch gone)`id`\\n.png",
    "a\nb;c&d|e.png",
    "ä #1.png",
  ]) {
    const url = "http://host:8080/v2/models/m/predict?top=1&draw=true";
    const line = curlLine({ url, headers: [["content-type", `x'"$(id)`]], file, hasKey: true });
    const shell = spawnSync("sh", ["-c", `curl() { for word; do printf '%s\\0' "$word"; done; }\n${line}`], {
      env: { KEY: "secret" },
    });
    const words = shell.stdout.toString().split("\0").slice(0, -1);
    assert.deepEqual(words, [
      "-s",
      url,
      "-H",
      `content-type: x'"$(id)`,
      "-H",
      "authorization: Bearer secret",
      "--data-binary",
      `@./${file}`,
    ]);
  }
});

test("what is not as it should be is left out rather than shown", () => {
  // The example of https://www.w3.org/TR/server-timing/
  assert.deepEqual(readServerTiming('miss, db;dur=53, app;dur=47.2, cache;desc="Cache Read";dur=23.2'), [
    { stage: "db", ms: 53 },
    { stage: "app", ms: 47.2 },
    { stage: "cache", ms: 23.2 },
  ]);
  assert.deepEqual(readServerTiming(null), []);
  for (const answer of [null, 7, {}, [null, 7, {}, { name: 7 }]]) assert.deepEqual(readIndex(answer), []);
  assert.deepEqual(readProblem(502, "<html>", "soon"), {
    status: 502,
    code: "",
    detail: "The server answered with status 502.",
    retryAfterMs: 0,
  });
  const entry = { name: "m", version: "1", reason: "", code: "" };
  const word = (over: object) => stateWords({ ...entry, state: "UNAVAILABLE", ...over }).text;
  assert.equal(word({ reason: "It was unloaded." }), "not loaded");
  assert.equal(word({ reason: "no", code: "MODEL_REFUSED" }), "failed");
  assert.equal(word({ state: "READY", reason: "no", code: "MODEL_REFUSED" }), "ready, newer file refused");
});
