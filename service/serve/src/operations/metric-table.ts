/**
 * Every metric the server has. Adding one is adding a row. Labels are bounded: each takes a value of a closed set or
 * the name of a model the server has, never what a client sends.
 */
export type MetricKind = "counter" | "gauge" | "histogram";

/** How the value of all processes is made from that of each. */
export type Aggregation = "sum" | "max" | "min" | "average" | "first";

export interface MetricRow {
  readonly kind: MetricKind;
  /** In Prometheus's form, with its unit. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly aggregation: Aggregation;
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
}

/** From 0.1 ms to 10 s. */
const seconds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export const metricTable = {
  requests: {
    kind: "counter",
    name: "cupel_requests_total",
    help: "Requests answered, by the code of their error; OK where there was none.",
    labels: ["face", "action", "model", "version", "code"],
    aggregation: "sum",
  },
  requestSeconds: {
    kind: "histogram",
    name: "cupel_request_seconds",
    help: "From a request's arrival to its answer.",
    labels: ["face", "action", "model", "version"],
    aggregation: "sum",
    buckets: seconds,
  },
  stageSeconds: {
    kind: "histogram",
    name: "cupel_stage_seconds",
    help: "Time of a request by stage: decode, queue, batch, run, encode.",
    labels: ["model", "version", "stage"],
    aggregation: "sum",
    buckets: seconds,
  },
  batchRows: {
    kind: "histogram",
    name: "cupel_batch_rows",
    help: "Rows of a run in the engine.",
    labels: ["model", "version"],
    aggregation: "sum",
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
  },
  queued: {
    kind: "gauge",
    name: "cupel_queued_requests",
    help: "Requests that wait for a run.",
    labels: ["model", "version"],
    aggregation: "sum",
  },
  cache: {
    kind: "counter",
    name: "cupel_cache_total",
    help: "Look-ups of the response cache: hit, miss, joined (another call computed it), negative (a remembered refusal).",
    labels: ["model", "outcome"],
    aggregation: "sum",
  },
} as const satisfies Readonly<Record<string, MetricRow>>;
