/** A comparison of protocols as tables. */
import type { MedianInterval } from "@cupel/base";
import {
  type CarriedLoad,
  type CellSummary,
  type ComparisonReport,
  type CongestionCapacity,
  capacityPlan,
  carriedLimits,
  type LinkCapacity,
  type LinkHedging,
  lagLimitMs,
  noCongestion,
  type PairedRatio,
  policyText,
  type RateSearch,
} from "@cupel/wan";
import { countText, numberOf, percentText } from "../../terminal/figures.ts";
import { factsText, tableText } from "../../terminal/table.ts";

export function reportText({
  link,
  scenario,
  environment,
  rate,
  links,
  capacity,
  hedging,
}: ComparisonReport): string {
  const { load, summary } = scenario;
  return [
    ...(link === "emulated" ? [] : [delayOnlyTitle, ""]),
    factsText([
      ["link", summary],
      ["load", `${countText(load.perSecond)} requests/s of ${load.bytes} bytes, ${load.law}`],
      ...(rate === null ? [] : [["highest rate carried", rateText(rate)] as const]),
      [
        "measured on",
        `kernel ${environment.kernel}, Node.js ${environment.node}, ${environment.cores} cores`,
      ],
    ]),
    ...links.flatMap(({ name, cells, ratios, verifications: [first] }) => [
      "",
      `${name}${link === "emulated" ? "" : " (delay only)"}: round trip P50 ${(first?.roundTripMs.p50 ?? Number.NaN).toFixed(1)}, P99 ${(first?.roundTripMs.p99 ?? Number.NaN).toFixed(1)} ms, by ${first?.probes} probes`,
      cellsText(cells),
      ...ratios.map(ratioText),
    ]),
    ...(capacity ?? []).flatMap(capacityLines),
    ...(hedging ?? []).flatMap(hedgingLines),
    "",
    "Times in ms: medians of the runs, with 95 % intervals. Stock: one connection with the windows of Node.js. Failed: without a good answer in time, of all that was asked. Made: connections in the warm-up, and after it where there were any; reused: what was sent after it on a connection that was there.",
  ].join("\n");
}

const delayOnlyTitle =
  "DELAY ONLY: no link was emulated. Bytes were made late on their way through a process, in order, by the delay of the scenario; nothing was lost, nothing waited for a rate, and no congestion control was at work.";

/** "1,480 requests/s of 2,000 asked (...)" */
export function rateText({ highest, perSecond, asked, lagLimitMs, cell }: RateSearch): string {
  const run = perSecond === highest ? "" : `. All are run at ${countText(perSecond)}`;
  return `${countText(highest)} requests/s of ${countText(asked)} asked: schedule lag P99 within ${lagLimitMs} ms with ${cell.protocol} over ${policyText(cell.policy)}, which costs most processor time${run}`;
}

/** Figures that are the machine's and not the link's, a sentence for each table that has some. */
export function lateRemarks({ links, capacity, scenario, rate }: ComparisonReport): readonly string[] {
  const limit = `(schedule lag P99 above ${lagLimitMs} ms)`;
  const advice = rate === null ? "Set --rate lower" : "Free it of other work, and measure again";
  const cells = links.map(({ name, cells }) => {
    const late = cells.filter(({ isPunctual }) => !isPunctual).length;
    return late === 0
      ? null
      : `Over ${name}, ${late} of ${numberOf(cells.length, "cell")} ${late === 1 ? "was" : "were"} not sent on time ${limit}: this machine does not carry ${scenario.load.perSecond} requests a second, and those figures are its own. ${advice}.`;
  });
  const trials = (capacity ?? []).map(({ name, congestions }) => {
    const all = congestions.flatMap(({ carried }) => carried.flatMap((load) => load.trials));
    const late = all.filter(({ lagP99Ms }) => lagP99Ms > lagLimitMs).length;
    return late === 0
      ? null
      : `Over ${name}, ${late} of ${numberOf(all.length, "load")} that were tried ${late === 1 ? "was" : "were"} not sent on time ${limit}: what is carried there may be the machine's limit.`;
  });
  return [...cells, ...trials].filter((each) => each !== null);
}

function cellsText(cells: readonly CellSummary[]): string {
  return tableText([
    columns.map(({ title }) => title),
    ...cells.map((row) => columns.map(({ cell }) => cell(row))),
  ]);
}

export function ratioText({ client, stock, ratio, isAtMost }: PairedRatio): string {
  const figure = `${isAtMost ? "at most " : ""}${intervalText(ratio, 2)}`;
  const congestion = client.congestion === noCongestion ? "" : `, ${client.congestion}`;
  return `${client.protocol}${congestion}: P99 over ${policyText(client.policy)}, the client's own policy, by that over ${policyText(stock.policy)}: ${figure}, ${halfText(ratio)}`;
}

/** Whether it is at most half, as far as the interval says. */
function halfText({ low, high }: MedianInterval): string {
  if (high <= 0.5) return "at most half";
  if (low > 0.5) return "more than half";
  return "which does not say whether it is at most half";
}

function capacityLines({ name, congestions }: LinkCapacity): readonly string[] {
  return [
    "",
    `${name}: requests/s carried. Carried: ${percentText(carriedLimits.answered, 0)} are answered well in time, and what is under way grows by less than ${percentText(carriedLimits.growth, 0)} of what is asked`,
    tableText([
      ["TCP", "protocol", "connections", "carried"],
      ...congestions.flatMap(({ congestion, carried }) =>
        carried.map((load) => [
          congestion,
          load.cell.protocol,
          policyText(load.cell.policy),
          carriedText(load),
        ]),
      ),
    ]),
    ...congestions.flatMap(shareLines),
  ];
}

export function carriedText({ perSecond, isAll, trials }: CarriedLoad): string {
  if (perSecond !== null) return isAll ? `${countText(perSecond)} and more` : countText(perSecond);
  return `less than ${countText(Math.min(...trials.map((trial) => trial.perSecond)))}`;
}

function shareLines({ congestion, atShare }: CongestionCapacity): readonly string[] {
  if (atShare === null) return [];
  const { perSecond, cells, ratios } = atShare;
  return [
    "",
    `${congestion}: at ${countText(perSecond)} requests/s, ${percentText(capacityPlan.share, 0)} of what one connection carries`,
    cellsText(cells),
    ...ratios.map(ratioText),
  ];
}

function hedgingLines({ name, rows }: LinkHedging): readonly string[] {
  return [
    "",
    `${name}: a second send after a while. By arithmetic: the least that TCP takes, where no call waits for another's packet`,
    tableText([
      ["hedge", "P99 measured", "extra", "P99 by arithmetic", "extra"],
      ...rows.map(({ hedgeMs, measured, byArithmetic }) => [
        hedgeMs === null ? "none" : `after ${hedgeMs}`,
        intervalText(measured.p99),
        percentText(measured.extraSends, 1),
        byArithmetic.p99.toFixed(0),
        percentText(byArithmetic.extraSends, 1),
      ]),
    ]),
  ];
}

const columns: readonly { readonly title: string; cell(row: CellSummary): string }[] = [
  { title: "protocol", cell: ({ cell }) => cell.protocol },
  { title: "connections", cell: ({ cell }) => policyText(cell.policy) },
  { title: "by", cell: ({ cell }) => cell.by },
  {
    title: "TCP",
    cell: ({ cell }) =>
      cell.congestion === noCongestion
        ? "-"
        : cell.connections === "cold"
          ? cell.congestion
          : `${cell.congestion}, warm`,
  },
  { title: "TLS", cell: ({ cell }) => (cell.tls === "off" ? "-" : cell.tls) },
  { title: "payload", cell: ({ cell }) => (cell.bytes === null ? "-" : `${cell.bytes}`) },
  { title: "hedge", cell: ({ cell }) => (cell.hedgeMs === null ? "-" : `${cell.hedgeMs}`) },
  { title: "mean", cell: ({ mean }) => mean.value.toFixed(0) },
  { title: "P50", cell: ({ p50 }) => p50.value.toFixed(0) },
  { title: "P99", cell: ({ p99 }) => intervalText(p99) },
  { title: "failed", cell: ({ failed }) => percentText(failed) },
  { title: "bytes", cell: ({ bytes }) => bytes?.toFixed(0) ?? "-" },
  { title: "packets", cell: ({ packets }) => packets?.toFixed(1) ?? "-" },
  { title: "made", cell: madeText },
  { title: "reused", cell: ({ reuse }) => (reuse === null ? "-" : percentText(reuse)) },
  { title: "extra", cell: ({ extraSends }) => (extraSends === 0 ? "-" : percentText(extraSends, 1)) },
  {
    title: "CPU there",
    cell: ({ serverCpuMs }) => (Number.isFinite(serverCpuMs) ? serverCpuMs.toFixed(2) : "-"),
  },
  { title: "lag P99", cell: ({ lagP99 }) => lagP99.value.toFixed(2) },
];

/** "64", or "60 + 4": in the warm-up, and after it. */
function madeText({ connections, connectionsLater: later }: CellSummary): string {
  if (connections === null || later === null) return "-";
  return later === 0 ? connections.toFixed(0) : `${(connections - later).toFixed(0)} + ${later.toFixed(0)}`;
}

export function intervalText({ value, low, high }: MedianInterval, digits = 0): string {
  const [text, from, to] = [value, low, high].map((each) => each.toFixed(digits));
  return Number.isFinite(low) ? `${text} (${from} - ${to})` : `${text}`;
}
