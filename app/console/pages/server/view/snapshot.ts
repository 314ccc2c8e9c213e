/** What the server had counted at one moment, and the questions that are asked of it. */
import { type Labels, samplesOf } from "./metric-text.ts";

export interface Series {
  readonly labels: Labels;
  readonly value: number;
}

/** How often a value was at most each bound. */
export interface Distribution {
  /** The last is infinite. */
  readonly bounds: readonly number[];
  /** Cumulative, one a bound. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export interface Snapshot {
  /** Milliseconds on the page's own clock. */
  readonly at: number;
  readonly series: ReadonlyMap<string, readonly Series[]>;
  readonly distributions: ReadonlyMap<string, readonly (Distribution & { readonly labels: Labels })[]>;
}

/** Which series are meant. */
export type Where = (labels: Labels) => boolean;

export const everywhere: Where = () => true;

/** Of all else nothing is kept. */
const kept = new Set([
  "cupel_requests_total",
  "cupel_queued_requests",
  "cupel_cache_total",
  "cupel_in_flight_requests",
  "cupel_breaker_state",
  "cupel_processes",
  "process_resident_memory_bytes",
  "process_cpu_seconds_total",
]);
const keptDistributions = new Set(["cupel_request_seconds", "cupel_stage_seconds", "cupel_batch_rows"]);

interface Collected {
  readonly labels: Labels;
  readonly buckets: [bound: number, count: number][];
  sum: number;
}

export function readSnapshot(text: string, at: number): Snapshot {
  const series = new Map<string, Series[]>();
  const collected = new Map<string, Map<string, Collected>>();
  const collect = (family: string, labels: Labels): Collected => {
    const rest = new Map([...labels].filter(([name]) => name !== "le"));
    const all = collected.get(family) ?? new Map<string, Collected>();
    collected.set(family, all);
    const key = JSON.stringify([...rest]);
    const found = all.get(key) ?? { labels: rest, buckets: [], sum: 0 };
    all.set(key, found);
    return found;
  };
  for (const { name, labels, value } of samplesOf(text)) {
    if (kept.has(name)) {
      const known = series.get(name);
      if (known) known.push({ labels, value });
      else series.set(name, [{ labels, value }]);
      continue;
    }
    const [, family = "", part] = /^(.*)_(bucket|sum)$/.exec(name) ?? [];
    if (!keptDistributions.has(family)) continue;
    if (part === "sum") collect(family, labels).sum = value;
    else collect(family, labels).buckets.push([boundOf(labels), value]);
  }
  const distributions = new Map(
    [...collected].map(([family, all]) => [family, [...all.values()].map(distributionOf)] as const),
  );
  return { at, series, distributions };
}

function boundOf(labels: Labels): number {
  const text = labels.get("le") ?? "+Inf";
  return text === "+Inf" ? Number.POSITIVE_INFINITY : Number(text);
}

function distributionOf({ labels, buckets, sum }: Collected) {
  const sorted = buckets.toSorted(([a], [b]) => a - b);
  return { labels, bounds: sorted.map(([bound]) => bound), counts: sorted.map(([, count]) => count), sum };
}

/** The sum of the series meant; 0 where there is none. */
export function totalOf(snapshot: Snapshot, name: string, where: Where = everywhere): number {
  const meant = (snapshot.series.get(name) ?? []).filter(({ labels }) => where(labels));
  return meant.reduce((sum, { value }) => sum + value, 0);
}

/** Null where there is no such series. */
export function largestOf(snapshot: Snapshot, name: string, where: Where): number | null {
  const meant = (snapshot.series.get(name) ?? []).filter(({ labels }) => where(labels));
  return meant.length === 0 ? null : Math.max(...meant.map(({ value }) => value));
}

/** Sums by what a label says. */
export function totalsBy(
  snapshot: Snapshot,
  name: string,
  label: string,
  where: Where = everywhere,
): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { labels, value } of snapshot.series.get(name) ?? []) {
    if (!where(labels)) continue;
    const said = labels.get(label) ?? "";
    sums.set(said, (sums.get(said) ?? 0) + value);
  }
  return sums;
}

const none: Distribution = { bounds: [], counts: [], sum: 0 };

/** All that is meant, as one. A family has the same bounds everywhere. */
export function distributionAt(snapshot: Snapshot, name: string, where: Where = everywhere): Distribution {
  const meant = (snapshot.distributions.get(name) ?? []).filter(({ labels }) => where(labels));
  return meant.reduce<Distribution>((all, each) => combined(all, each, 1), none);
}

/** What was added since. Never less than nothing: a process that ended may have taken counts with it. */
export function added(now: Distribution, before: Distribution): Distribution {
  return combined(now, before, -1);
}

function combined(first: Distribution, second: Distribution, sign: 1 | -1): Distribution {
  if (first.bounds.length === 0) return sign === 1 ? second : none;
  const counts = first.counts.map((count, i) => Math.max(0, count + sign * (second.counts[i] ?? 0)));
  return { bounds: first.bounds, counts, sum: Math.max(0, first.sum + sign * second.sum) };
}
