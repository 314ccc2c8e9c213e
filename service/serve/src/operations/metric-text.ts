/**
 * What was measured, as data that travels between processes, as one figure of many, and as Prometheus's text format
 * 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
import { type Aggregation, type MetricRow, metricTable } from "./metric-table.ts";

export const metricContentType = "text/plain; version=0.0.4; charset=utf-8";

export type MetricName = keyof typeof metricTable;

/** The labels of a series as Prometheus writes them, and its numbers: of a histogram each bucket's, then the sum. */
export type SeriesSnapshot = readonly [labels: string, values: ArrayLike<number>];
export type MetricSnapshot = Readonly<Partial<Record<MetricName, readonly SeriesSnapshot[]>>>;

export const metricNames = Object.keys(metricTable) as MetricName[];
const rows: Readonly<Record<MetricName, MetricRow>> = metricTable;

/** Numbers a series has: a histogram's buckets, that of all that is larger, and the sum. */
export function widthOf({ kind, buckets = [] }: MetricRow): number {
  return kind === "histogram" ? buckets.length + 2 : 1;
}

const rules: Readonly<Record<Aggregation, (values: readonly number[]) => number>> = {
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  max: (values) => Math.max(...values),
  min: (values) => Math.min(...values),
  average: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  first: (values) => values[0]!,
};

/** One snapshot of those of many processes, by the aggregation rule of each row. */
export function mergeSnapshots(snapshots: readonly MetricSnapshot[]): MetricSnapshot {
  const merged: Partial<Record<MetricName, SeriesSnapshot[]>> = {};
  for (const name of metricNames) {
    const found = new Map<string, ArrayLike<number>[]>();
    for (const [labels, values] of snapshots.flatMap((snapshot) => snapshot[name] ?? [])) {
      const known = found.get(labels);
      if (known) known.push(values);
      else found.set(labels, [values]);
    }
    const rule = rules[rows[name].aggregation];
    merged[name] = [...found].map(([labels, each]) => [
      labels,
      Array.from(each[0]!, (_, i) => rule(each.map((values) => values[i] ?? 0))),
    ]);
  }
  return merged;
}

/** What counts up, and so is still true of a process that has ended. */
export function countersOf(snapshot: MetricSnapshot): MetricSnapshot {
  const counting = metricNames.filter((name) => rows[name].kind !== "gauge");
  return Object.fromEntries(counting.map((name) => [name, snapshot[name] ?? []]));
}

/** Writes snapshots; what stands before a number on its line is kept for the next. */
export function createMetricWriter(): (snapshot: MetricSnapshot) => string {
  const heads = new Map<string, readonly string[]>();
  return (snapshot) => {
    let text = "";
    for (const name of metricNames) {
      const row = rows[name];
      text += `# HELP ${row.name} ${row.help}\n# TYPE ${row.name} ${row.kind}\n`;
      for (const [labels, values] of snapshot[name] ?? []) {
        const key = `${name} ${labels}`;
        let head = heads.get(key);
        if (!head) {
          head = row.kind === "histogram" ? histogramHeads(row, labels) : [lineHead(row.name, labels)];
          heads.set(key, head);
        }
        text += row.kind === "histogram" ? histogramText(head, values) : `${head[0]}${figure(values[0]!)}\n`;
      }
    }
    return text;
  };
}

function histogramText(heads: readonly string[], values: ArrayLike<number>): string {
  let text = "";
  let count = 0;
  const buckets = values.length - 1;
  for (let i = 0; i < buckets; i++) {
    count += values[i]!;
    text += `${heads[i]}${count}\n`;
  }
  return `${text}${heads[buckets]}${figure(values[buckets]!)}\n${heads[buckets + 1]}${count}\n`;
}

function histogramHeads({ name, buckets = [] }: MetricRow, labels: string): string[] {
  const before = labels === "" ? "" : `${labels},`;
  const bounds = [...buckets.map(String), "+Inf"];
  return [
    ...bounds.map((bound) => lineHead(`${name}_bucket`, `${before}le="${bound}"`)),
    lineHead(`${name}_sum`, labels),
    lineHead(`${name}_count`, labels),
  ];
}

function lineHead(name: string, labels: string): string {
  return labels === "" ? `${name} ` : `${name}{${labels}} `;
}

function figure(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
