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
  inFlight: {
    kind: "gauge",
    name: "cupel_in_flight_requests",
    help: "Requests that were let in and are not answered yet.",
    labels: [],
    aggregation: "sum",
  },
  refused: {
    kind: "counter",
    name: "cupel_refused_total",
    help: "Requests refused at the door, by code and by the limit that refused them.",
    labels: ["face", "code", "limit"],
    aggregation: "sum",
  },
  errors: {
    kind: "counter",
    name: "cupel_errors_total",
    help: "Failed requests by the code of their error and that of the error behind it.",
    labels: ["code", "cause"],
    aggregation: "sum",
  },
  breakerState: {
    kind: "gauge",
    name: "cupel_breaker_state",
    help: "Breaker of a model version: 0 closed, 1 half open, 2 open.",
    labels: ["model", "version"],
    aggregation: "max",
  },
  seriesCapped: {
    kind: "counter",
    name: "cupel_series_capped_total",
    help: "Measurements that went to the series named other, because their metric has as many series as it may.",
    labels: ["metric"],
    aggregation: "sum",
  },
  loopLag: {
    kind: "gauge",
    name: "nodejs_eventloop_lag_seconds",
    help: "Lateness of the event loop since the last scrape.",
    labels: ["quantile"],
    aggregation: "max",
  },
  memory: {
    kind: "gauge",
    name: "nodejs_memory_bytes",
    help: "Memory of the JavaScript engine and of the buffers it knows of, by kind.",
    labels: ["kind"],
    aggregation: "sum",
  },
  residentMemory: {
    kind: "gauge",
    name: "process_resident_memory_bytes",
    help: "Memory of the process that is in main memory. What processes share is counted once in each.",
    labels: [],
    aggregation: "sum",
  },
  cpuSeconds: {
    kind: "counter",
    name: "process_cpu_seconds_total",
    help: "Processor time of the process, user and system.",
    labels: [],
    aggregation: "sum",
  },
  startTime: {
    kind: "gauge",
    name: "process_start_time_seconds",
    help: "Start of the process, of the oldest where there are many, since the Unix epoch.",
    labels: [],
    aggregation: "min",
  },
  activeResources: {
    kind: "gauge",
    name: "nodejs_active_resources",
    help: "Sockets, timers and requests that keep the event loop alive.",
    labels: [],
    aggregation: "sum",
  },
  processes: {
    kind: "gauge",
    name: "cupel_processes",
    help: "Processes that these figures are of.",
    labels: [],
    aggregation: "sum",
  },
  processesEnded: {
    kind: "counter",
    name: "cupel_processes_ended_total",
    help: "Processes that ended and were not asked to, by signal or exit status; each was followed by another.",
    labels: ["cause"],
    aggregation: "sum",
  },
  connections: {
    kind: "counter",
    name: "cupel_connections_total",
    help: "Connections by protocol (http1, http2), version of TLS and result of ALPN.",
    labels: ["protocol", "tls", "alpn"],
    aggregation: "sum",
  },
  openConnections: {
    kind: "gauge",
    name: "cupel_open_connections",
    help: "Connections that are open.",
    labels: [],
    aggregation: "sum",
  },
  connectionErrors: {
    kind: "counter",
    name: "cupel_connection_errors_total",
    help: "Connections and requests that ended before their time, by cause.",
    labels: ["cause"],
    aggregation: "sum",
  },
  handshakeSeconds: {
    kind: "histogram",
    name: "cupel_tls_handshake_seconds",
    help: "Handshakes of TLS, by version and whether a session was resumed.",
    labels: ["tls", "resumed"],
    aggregation: "sum",
    buckets: seconds,
  },
  recordSeconds: {
    kind: "histogram",
    name: "cupel_record_seconds",
    help: "From an event to its receipt, or to the refusal of one: what an answer waits for where there is a record.",
    labels: ["outcome"],
    aggregation: "sum",
    buckets: seconds,
  },
  recordEvents: {
    kind: "counter",
    name: "cupel_record_events_total",
    help: "Events of the record by what became of them: logged, spilled, replayed (spilled, then logged), dropped, refused (in quarantine), unavailable (no receipt in time).",
    labels: ["outcome"],
    aggregation: "sum",
  },
  recordFaults: {
    kind: "counter",
    name: "cupel_record_faults_total",
    help: "Troubles of the disk that the record is on, by cause; those that were mended too.",
    labels: ["cause"],
    aggregation: "sum",
  },
  recordWaiting: {
    kind: "gauge",
    name: "cupel_record_waiting_events",
    help: "Events that wait for their receipt.",
    labels: [],
    aggregation: "sum",
  },
  recordInTrouble: {
    kind: "gauge",
    name: "cupel_record_in_trouble",
    help: "Whether the last attempt to write the record failed: 1 where it did.",
    labels: [],
    aggregation: "max",
  },
} as const satisfies Readonly<Record<string, MetricRow>>;
