/**
 * The instruments of a server, read by Prometheus. One registry a server, so that two servers in one process do not
 * add up.
 *
 * prom-client 15 does the same at several times the cost: it makes a string of every label set at every count, and an
 * object of every line at every scrape. Here a series is found by its label values, and a line is what stands before
 * its number, which is kept, and the number.
 */
import type { Instruments } from "./instruments.ts";
import { labelBounds, type ServedModels } from "./label-bounds.ts";
import { type MetricRow, metricTable } from "./metric-table.ts";
import {
  createMetricWriter,
  type MetricName,
  type MetricSnapshot,
  metricNames,
  widthOf,
} from "./metric-text.ts";
import { measureProcess } from "./process-meter.ts";
import { type LabelSet, type Series, SeriesIndex } from "./series-index.ts";

export interface PrometheusOptions {
  /** Which models the label `model` may name. */
  readonly models: ServedModels;
  /** Label combinations that a metric of models tells apart; a histogram writes a line a bucket of each. Default 2,000. */
  readonly seriesPerMetric?: number | undefined;
  /** What others have counted: read at each scrape, in place of what is measured under the same names. */
  readonly counted?: (() => MetricSnapshot) | undefined;
}

export interface Prometheus extends Instruments, Disposable {
  /** Of this process. */
  metricsText(): string;
  /** The same as data that another process can put together with its own. */
  snapshot(): MetricSnapshot;
}

export function createPrometheus({
  models,
  seriesPerMetric = 2_000,
  counted = () => ({}),
}: PrometheusOptions): Prometheus {
  const boundOf = labelBounds(models);
  const indexes = new Map<MetricName, SeriesIndex>(
    metricNames.map((name) => {
      const row: MetricRow = metricTable[name];
      // Labels that are closed sets are bounded by these.
      const most = row.labels.includes("model") ? seriesPerMetric : Number.POSITIVE_INFINITY;
      return [
        name,
        new SeriesIndex({
          labels: row.labels,
          boundOf: (label) => boundOf(name, label),
          most,
          width: widthOf(row),
        }),
      ];
    }),
  );
  const seriesOf = (name: MetricName, labels: LabelSet): Series => {
    const index = indexes.get(name)!;
    const found = index.find(labels);
    if (found) return found;
    seriesOf("seriesCapped", { metric: metricTable[name].name }).values[0]! += 1;
    return index.overflow();
  };
  const instruments: Instruments = {
    count(name, labels, by = 1) {
      if (by < 0) throw new RangeError(`${name} counts up; it was to be counted by ${by}`);
      seriesOf(name, labels).values[0]! += by;
    },
    set(name, labels, value) {
      seriesOf(name, labels).values[0] = value;
    },
    observe(name, labels, value) {
      const { values } = seriesOf(name, labels);
      const { buckets } = metricTable[name];
      let i = 0;
      while (i < buckets.length && value > buckets[i]!) i++;
      values[i]! += 1;
      values[buckets.length + 1]! += value;
    },
  };
  const meter = measureProcess(instruments);
  const write = createMetricWriter();
  const read = (copy: (values: Float64Array) => ArrayLike<number>): MetricSnapshot => {
    meter.measure();
    const measured = metricNames.map((name) => [
      name,
      indexes.get(name)!.all.map(({ labels, values }) => [labels, copy(values)] as const),
    ]);
    return { ...Object.fromEntries(measured), ...counted() };
  };
  return {
    ...instruments,
    metricsText: () => write(read((values) => values)),
    snapshot: () => read((values) => Array.from(values)),
    [Symbol.dispose]: () => meter[Symbol.dispose](),
  };
}
