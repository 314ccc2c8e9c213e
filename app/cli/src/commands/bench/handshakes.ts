/** `cupel bench handshakes`: what a first call costs on a fresh connection across an emulated ocean, and how one fails. */
import type { MedianInterval } from "@cupel/base";
import {
  environment,
  type HandshakeSummary,
  handshakeLagLimitMs,
  handshakePlanDefaults,
  handshakeSecondsOf,
  runHandshakes,
  scenarios,
  withoutLoss,
} from "@cupel/wan";
import { choice, flag, integer } from "../../arguments/option.ts";
import { durationText, numberOf } from "../../terminal/figures.ts";
import { tableText } from "../../terminal/table.ts";
import type { Command } from "../command.ts";
import { openServedFolder } from "./far-server.ts";

const scenario = choice({
  name: "scenario",
  choices: scenarios.map(({ name }) => name),
  summary: "The links, and the payload of the call",
  fallback: "atlantic-pacific",
});
const connections = integer({
  name: "connections",
  placeholder: "N",
  min: 1,
  value: handshakePlanDefaults.connections,
  summary: "Of each kind; fewer than six give no intervals",
});
const step = integer({
  name: "step",
  placeholder: "MS",
  min: 1,
  value: handshakePlanDefaults.stepMs,
  summary: "Between the begins of two connections",
});
const bytes = integer({
  name: "bytes",
  placeholder: "N",
  min: 4,
  summary: "Payload of the call and of its answer: what exceeds TCP's first window takes more round trips",
  fallback: "the scenario's",
});
const lossless = flag({ name: "lossless", summary: "The same links, losing nothing" });

export const benchHandshakesCommand: Command = {
  description:
    "Opens connections over the link of a scenario, emulated as by cupel bench protocols, and makes one call on each: TCP alone, TLS 1.3 in full, " +
    "resumed and mutual; and such that come to nothing, since a client and a server do not agree. Kinds take turns in a drawn order. Linux, as root.",
  operands: [],
  options: [scenario, connections, step, bytes, lossless],
  examples: [
    {
      line: "cupel bench handshakes --scenario atlantic-pacific",
      says: "over the lossy link, about a minute",
    },
    { line: "cupel bench handshakes --lossless --bytes 100000", says: "what slow start costs a larger call" },
  ],
  async run(given, { signal, progress, seed, say, remark }) {
    const found = scenarios.find(({ name }) => name === given.get(scenario)) ?? scenarios[0]!;
    const chosen = given.get(lossless) ? withoutLoss(found) : found;
    const compared = {
      ...chosen,
      load: { ...chosen.load, bytes: given.get(bytes) ?? chosen.load.bytes },
    };
    const plan = { connections: given.get(connections), stepMs: given.get(step), seed };
    say(
      `${numberOf(plan.connections, "connection")} of each kind: about ${durationText(handshakeSecondsOf(compared, plan) * 1000)}.`,
    );
    await using folder = await openServedFolder(signal);
    const { startServer } = folder;
    const links = await runHandshakes(compared, { ...plan, signal, progress, startServer });
    for (const { name, kinds, lagP99Ms } of links) {
      if (lagP99Ms > handshakeLagLimitMs)
        remark(
          `Over ${name}, connections were begun ${lagP99Ms.toFixed(0)} ms late at the 99th percentile: this machine has other work, and the figures are its own. Free it, or set --step higher.`,
        );
      for (const { kind, unlike, ends, reason } of kinds)
        if (unlike > 0)
          remark(
            `Over ${name}, ${unlike} of "${kind.name}" did not end as they should, and are in no figure: ${endsText(ends)}${reason === null ? "" : ` ("${reason}")`}.`,
          );
    }
    const facts = environment();
    const { name, summary, load } = compared;
    return {
      json: {
        scenario: name,
        isLossless: given.get(lossless),
        bytes: load.bytes,
        plan,
        environment: facts,
        links,
      },
      text: [
        `${summary}${given.get(lossless) ? ", but nothing lost" : ""}; ${load.bytes} bytes each way. Linux ${facts.kernel}, Node.js ${facts.node}, ${facts.cores} cores.`,
        ...links.flatMap(({ name, verification, kinds }) => [
          "",
          `${name}: round trip P50 ${verification.roundTripMs.p50.toFixed(1)}, P99 ${verification.roundTripMs.p99.toFixed(1)} ms, by ${verification.probes} probes`,
          tableText([
            columns.map(({ title }) => title),
            ...kinds.map((row) => columns.map(({ cell }) => cell(row))),
          ]),
        ]),
        "",
        "Times in ms: medians, with 95 % intervals, of the parts and of the whole until the answer or the error. Trips: the whole in round trips of the link, and as the protocols have it.",
      ].join("\n"),
    };
  },
};

const columns: readonly { readonly title: string; cell(row: HandshakeSummary): string }[] = [
  { title: "connection", cell: ({ kind }) => kind.name },
  { title: "TCP", cell: ({ tcp }) => valueText(tcp, 0) },
  { title: "TLS", cell: ({ tls }) => valueText(tls, 0) },
  { title: "call", cell: ({ call }) => valueText(call, 0) },
  { title: "whole", cell: ({ total }) => intervalText(total, 0) },
  { title: "slowest", cell: ({ slowestMs }) => slowestMs?.toFixed(0) ?? "-" },
  { title: "trips", cell: ({ roundTrips }) => intervalText(roundTrips, 2) },
  { title: "of", cell: ({ kind }) => `${kind.roundTrips}` },
  { title: "bytes", cell: ({ bytes: each }) => valueText(each, 0) },
  { title: "ends", cell: ({ ends }) => endsText(ends) },
];

function valueText(figure: MedianInterval | null, digits: number): string {
  return figure?.value.toFixed(digits) ?? "-";
}

function intervalText(figure: MedianInterval | null, digits: number): string {
  if (figure === null || !Number.isFinite(figure.low)) return valueText(figure, digits);
  return `${valueText(figure, digits)} (${figure.low.toFixed(digits)} - ${figure.high.toFixed(digits)})`;
}

/** "200", or "200 x 58, deadline x 2". */
function endsText(ends: HandshakeSummary["ends"]): string {
  const rows = Object.entries(ends);
  return rows.length === 1
    ? (rows[0]?.[0] ?? "")
    : rows.map(([end, count]) => `${end} x ${count}`).join(", ");
}
