/** `cupel bench protocols`: which protocol, over which connections, across an emulated ocean. */
import type { MedianInterval } from "@cupel/base";
import {
  type CellSummary,
  environment,
  everyCell,
  lagLimitMs,
  planDefaults,
  policyText,
  runComparison,
  scenarios,
  secondsOf,
  summarise,
  tlsModes,
} from "@cupel/wan";
import { choice, flag, integer } from "../../arguments/option.ts";
import { durationText, percentText } from "../../terminal/figures.ts";
import { tableText } from "../../terminal/table.ts";
import type { Command } from "../command.ts";
import { openServedFolder } from "./far-server.ts";

const scenario = choice({
  name: "scenario",
  choices: scenarios.map(({ name }) => name),
  summary: "The links, the load and what is compared",
  fallback: "atlantic-pacific",
});
const rate = integer({
  name: "rate",
  placeholder: "N",
  min: 1,
  summary: "Requests a second",
  fallback: "the scenario's",
});
const bytes = integer({
  name: "bytes",
  placeholder: "N",
  min: 4,
  summary: "Payload of a request and of its answer",
  fallback: "the scenario's",
});
const tls = choice({
  name: "tls",
  choices: tlsModes,
  summary: "TLS 1.3, for every cell; mutual: with a certificate of the client too",
  fallback: "the cell's, which is off but for a few of --full",
});
const rounds = integer({
  name: "rounds",
  placeholder: "N",
  min: 1,
  value: planDefaults.rounds,
  summary: "Runs of each cell; fewer than six give no intervals",
});
const warmUp = integer({
  name: "warm-up",
  placeholder: "MS",
  min: 0,
  value: planDefaults.warmUpMs,
  summary: "Of a run, what is not counted",
});
const measure = integer({
  name: "measure",
  placeholder: "MS",
  min: 100,
  value: planDefaults.measureMs,
  summary: "Of a run, what is counted",
});
const cells = integer({
  name: "cells",
  placeholder: "N",
  min: 1,
  summary: "The first so many cells alone",
  fallback: "all",
});
const full = flag({
  name: "full",
  summary:
    "Every protocol, policy and congestion control, cold and warm; some with TLS and other payloads: says its time first",
});

export const benchProtocolsCommand: Command = {
  description:
    "Emulates the link between two network namespaces, packet by packet, and measures it before each round: a link that is off is refused. A server " +
    "echoes tensors at its far end. Requests are sent when they are due, whatever became of those before, and latency counts from then. Linux, as root.",
  operands: [],
  options: [scenario, rate, bytes, tls, rounds, warmUp, measure, cells, full],
  examples: [
    {
      line: "cupel bench protocols --scenario atlantic-pacific",
      says: "twelve cells in a quarter of an hour",
    },
    {
      line: "cupel bench protocols --scenario lan --rounds 1 --measure 2000",
      says: "a first look, without intervals",
    },
  ],
  async run(given, context) {
    const { signal, progress, seed, say, remark } = context;
    const chosen = scenarios.find(({ name }) => name === given.get(scenario)) ?? scenarios[0]!;
    const all = given.get(full) ? everyCell : chosen.cells;
    const compared = {
      ...chosen,
      load: {
        ...chosen.load,
        perSecond: given.get(rate) ?? chosen.load.perSecond,
        bytes: given.get(bytes) ?? chosen.load.bytes,
      },
      cells: all
        .slice(0, given.get(cells) ?? all.length)
        .map((each) => ({ ...each, tls: given.get(tls) ?? each.tls })),
    };
    const plan = {
      rounds: given.get(rounds),
      warmUpMs: given.get(warmUp),
      measureMs: given.get(measure),
      seed,
    };
    say(
      `${compared.links.length * compared.cells.length} cells, ${plan.rounds} runs each: about ${durationText(secondsOf(compared, plan) * 1000)}.`,
    );
    await using folder = await openServedFolder(signal);
    const links = await runComparison(compared, {
      ...plan,
      signal,
      progress,
      startServer: folder.startServer,
    });
    const facts = environment();
    const summaries = links.map((link) => ({
      name: link.name,
      verifications: link.verifications,
      cells: summarise(compared.cells, link),
      runs: link.runs,
    }));
    for (const { name, cells: rows } of summaries) {
      const late = rows.filter(({ isPunctual }) => !isPunctual).length;
      if (late > 0)
        remark(
          `Over ${name}, ${late} of ${rows.length} cells were not sent on time (schedule lag P99 above ${lagLimitMs} ms): this machine does not carry ${compared.load.perSecond} requests a second, and those figures are its own. Set --rate lower.`,
        );
    }
    return {
      json: { scenario: compared, plan, environment: facts, links: summaries },
      text: [
        `${compared.summary}; ${compared.load.perSecond} requests/s of ${compared.load.bytes} bytes, ${compared.load.law}. Linux ${facts.kernel}, Node.js ${facts.node}, ${facts.cores} cores.`,
        ...summaries.flatMap(({ name, cells: rows, verifications }) => [
          "",
          `${name}: round trip P50 ${(verifications[0]?.roundTripMs.p50 ?? Number.NaN).toFixed(1)}, P99 ${(verifications[0]?.roundTripMs.p99 ?? Number.NaN).toFixed(1)} ms, by ${verifications[0]?.probes} probes`,
          tableText([
            columns.map(({ title }) => title),
            ...rows.map((row) => columns.map(({ cell }) => cell(row))),
          ]),
        ]),
        "",
        "Times in ms: medians of the runs, with 95 % intervals. Failed: without a good answer in time, of all that was asked. Made: connections in the warm-up, and after it where there were any; reused: what was sent after it on a connection that was there.",
      ].join("\n"),
    };
  },
};

const columns: readonly { readonly title: string; cell(row: CellSummary): string }[] = [
  { title: "protocol", cell: ({ cell }) => cell.protocol },
  { title: "connections", cell: ({ cell }) => policyText(cell.policy) },
  {
    title: "TCP",
    cell: ({ cell }) => (cell.connections === "cold" ? cell.congestion : `${cell.congestion}, warm`),
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
  { title: "CPU there", cell: ({ serverCpuMs }) => serverCpuMs.toFixed(2) },
  { title: "lag P99", cell: ({ lagP99 }) => lagP99.value.toFixed(2) },
];

/** "64", or "60 + 4": in the warm-up, and after it. */
function madeText({ connections, connectionsLater: later }: CellSummary): string {
  if (connections === null || later === null) return "-";
  return later === 0 ? connections.toFixed(0) : `${(connections - later).toFixed(0)} + ${later.toFixed(0)}`;
}

function intervalText({ value, low, high }: MedianInterval): string {
  return Number.isFinite(low)
    ? `${value.toFixed(0)} (${low.toFixed(0)} - ${high.toFixed(0)})`
    : value.toFixed(0);
}
