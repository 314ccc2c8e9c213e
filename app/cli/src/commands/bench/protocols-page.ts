/** What the page of a comparison shows, from the report alone. Pure. */
import { type MedianInterval, quantile } from "@cupel/base";
import type { ProtocolsCell, ProtocolsDocument, ProtocolsLink, ProtocolsTable } from "@cupel/console";
import {
  adviceOf,
  type CellSummary,
  type ComparisonReport,
  cellText,
  type LinkReport,
  type MeasuredDirection,
  noCongestion,
  policyText,
} from "@cupel/wan";
import { countText, percentText } from "../../terminal/figures.ts";
import { carriedText, intervalText, rateText, ratioText } from "./protocols-text.ts";

/** @param createdAt ISO 8601, UTC */
export function protocolsPage(
  report: ComparisonReport,
  createdAt: string,
): Omit<ProtocolsDocument, "format"> {
  const { scenario, link, links } = report;
  return {
    scenario: scenario.summary,
    createdAt,
    isDelayOnly: link === "delay-only",
    environment: environmentFacts(report),
    links: links.map((each) => linkOf(each, report)),
    tables: [...capacityTables(report), ...hedgingTables(report)],
  };
}

function environmentFacts({ scenario: { load }, plan, environment, rate }: ComparisonReport) {
  const { kernel, node, processor, cores, streamWindow, clientWindows } = environment;
  return [
    ["Load", `${countText(load.perSecond)} requests/s of ${countText(load.bytes)} bytes, ${load.law}`],
    ...(rate === null ? [] : [["Highest rate carried", rateText(rate)] as const]),
    [
      "Runs",
      `${plan.rounds} of each row, in drawn orders; ${plan.measureMs} ms each after ${plan.warmUpMs} ms, seed ${plan.seed}`,
    ],
    ["Deadline", `${countText(load.deadlineMs)} ms`],
    ["Kernel", kernel],
    ["Node.js", node],
    ["Processor", `${processor}, ${cores} cores for all processes`],
    [
      "Windows of HTTP/2",
      `${countText(clientWindows.stream)} bytes a call and ${countText(clientWindows.connection)} a connection with @cupel/client; ${countText(streamWindow)} a call as Node.js has it`,
    ],
  ] as const;
}

function linkOf(report: LinkReport, { link, scenario }: ComparisonReport): ProtocolsLink {
  const { name, cells, runs, verifications, ratios } = report;
  return {
    name,
    verification: [...verificationFacts(verifications), ["Congestion control", congestionText(cells)]],
    advice: [
      ...adviceOf(cells, link),
      ...ratios.map((ratio) => ({ title: "Against a single connection", text: ratioText(ratio) })),
    ],
    cells: cells.map((summary) => {
      const index = scenario.cells.indexOf(summary.cell);
      return cellOf(summary, curveOf(runs.filter(({ cell }) => cell === index)));
    }),
  };
}

function congestionText(cells: readonly CellSummary[]): string {
  const names = new Set(cells.map(({ cell }) => cell.congestion));
  return names.has(noCongestion) ? "not emulated" : `${[...names].join(", ")}, at both ends`;
}

function verificationFacts(
  verifications: LinkReport["verifications"],
): readonly (readonly [string, string])[] {
  const [first] = verifications;
  if (first === undefined) return [];
  const { p50, p99 } = first.roundTripMs;
  const ways =
    "toFar" in first
      ? ([
          ["To the server", first.toFar],
          ["Back", first.toNear],
        ] as const)
      : [];
  return [
    ["Round trip", `P50 ${p50.toFixed(1)}, P99 ${p99.toFixed(1)} ms, by ${countText(first.probes)} probes`],
    ...ways.map(([name, way]) => [name, directionText(way)] as const),
    [
      "Measured",
      `${verifications.length} times, before each round; one that is off is refused. Above is the first`,
    ],
  ];
}

function directionText({
  delayMs,
  askedDelayMs,
  jitterMs,
  askedJitterMs,
  loss,
  askedLoss,
}: MeasuredDirection) {
  return `delay ${delayMs.toFixed(1)} ms (asked ${askedDelayMs.toFixed(1)}), jitter ${jitterMs.toFixed(1)} ms (asked ${askedJitterMs.toFixed(1)}), loss ${percentText(loss)} (asked ${percentText(askedLoss)})`;
}

/** Of each percentile the median over the runs, ms. */
function curveOf(runs: LinkReport["runs"]): ProtocolsCell["curve"] {
  const curves = runs.flatMap(({ load }) => (load.latency === null ? [] : [load.latency.curve]));
  return (curves[0] ?? []).map(([percent], i) => [
    percent,
    quantile(Float64Array.from(curves, (curve) => curve[i]?.[1] ?? Number.NaN).sort(), 0.5),
  ]);
}

function cellOf(summary: CellSummary, curve: ProtocolsCell["curve"]): ProtocolsCell {
  const { cell, mean, p50, p99, failed, bytes, packets, connections, extraSends, isPunctual, missed } =
    summary;
  const others = [
    ...(cell.congestion === noCongestion ? [] : [cell.congestion]),
    ...(cell.connections === "warm" ? ["warm"] : []),
    ...(cell.tls === "off" ? [] : [`TLS ${cell.tls}`]),
    ...(cell.bytes === null ? [] : [`${countText(cell.bytes)} bytes`]),
    ...(cell.by === "client" ? ["@cupel/client"] : []),
    ...(cell.hedgeMs === null ? [] : [`hedge ${cell.hedgeMs} ms`]),
  ];
  return {
    name: cellText(cell) + (cell.connections === "warm" ? ", warm" : ""),
    protocol: cell.protocol,
    connections: policyText(cell.policy),
    else: others.join(", "),
    mean: figureOf(mean),
    p50: figureOf(p50),
    p99: figureOf(p99),
    failed,
    bytes,
    packets,
    made: connections,
    extraSends,
    isPunctual,
    curve,
    missed,
  };
}

/** JSON has no infinities: null is no bound. */
function figureOf({ value, low, high }: MedianInterval) {
  const [median = null, from = null, to = null] = [value, low, high].map((each) =>
    Number.isFinite(each) ? each : null,
  );
  return { value: median, low: from, high: to };
}

function capacityTables({ capacity }: ComparisonReport): readonly ProtocolsTable[] {
  return (capacity ?? []).map(({ name, congestions }) => ({
    title: `Load carried over ${name}`,
    intro:
      "The highest rate, in requests a second, of which nearly all are answered in time and that does not pile up.",
    header: ["TCP", "protocol", "connections", "carried"],
    rows: congestions.flatMap(({ congestion, carried }) =>
      carried.map((load) => [
        congestion,
        load.cell.protocol,
        policyText(load.cell.policy),
        carriedText(load),
      ]),
    ),
  }));
}

function hedgingTables({ hedging }: ComparisonReport): readonly ProtocolsTable[] {
  return (hedging ?? []).map(({ name, rows }) => ({
    title: `Hedging over ${name}`,
    intro:
      "A second send after a while, and what it adds. By arithmetic: the least that TCP takes, where no call waits for another's packet.",
    header: [
      "second send",
      "P99 measured, ms",
      "sends added",
      "P99 by arithmetic, ms",
      "sends added by arithmetic",
    ],
    rows: rows.map(({ hedgeMs, measured, byArithmetic }) => [
      hedgeMs === null ? "none" : `after ${hedgeMs} ms`,
      intervalText(measured.p99),
      percentText(measured.extraSends, 1),
      byArithmetic.p99.toFixed(0),
      percentText(byArithmetic.extraSends, 1),
    ]),
  }));
}
