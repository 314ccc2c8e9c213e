/** `cupel bench protocols`: which protocol, over which connections, across an emulated ocean. */
import { assertWritable, throwIfCancelled, writeFileAtomically } from "@cupel/base";
import { renderProtocols } from "@cupel/console";
import {
  type Cell,
  type ComparisonReport,
  capacityCells,
  capacitySeconds,
  delayOnlyScenario,
  environment,
  everyCell,
  hedgingCells,
  type LinkKind,
  measureCapacity,
  planDefaults,
  policyCells,
  rateSearchSeconds,
  reportOf,
  runComparison,
  type Scenario,
  scenarios,
  searchRate,
  secondsOf,
  tlsModes,
} from "@cupel/wan";
import { choice, flag, integer, invalid, text } from "../../arguments/option.ts";
import type { Given } from "../../arguments/parse.ts";
import { durationText, numberOf } from "../../terminal/figures.ts";
import type { Command } from "../command.ts";
import { openServedFolder } from "./far-server.ts";
import { protocolsPage } from "./protocols-page.ts";
import { lateRemarks, rateText, reportText } from "./protocols-text.ts";

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
  summary: "Requests a second, without a search",
  fallback: "the highest, up to the scenario's, that this machine sends on time",
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
    "Every protocol, policy and congestion control, cold and warm; some with TLS and other payloads: hours",
});
const capacity = flag({
  name: "capacity",
  summary: "The load that each policy carries, and the client's policy beside one connection",
});
const hedging = flag({
  name: "hedging",
  summary: "P99 against extra sends, of calls that are sent again after a while",
});
const delayOnly = flag({
  name: "delay-only",
  summary:
    "Emulate no link, and only make bytes late: without rights, on any system. No loss, no rate, no congestion control",
});
const reportOption = text({
  name: "report",
  placeholder: "FILE.html",
  summary: "Where a page for the browser goes: what to choose and why, curves, and every figure",
});
/** What is compared instead of the scenario's cells. */
const questions = [
  { option: full, cells: everyCell },
  { option: capacity, cells: policyCells },
  { option: hedging, cells: hedgingCells },
];

export const benchProtocolsCommand: Command = {
  description:
    "Emulates the link between two network namespaces, packet by packet, and measures it before each round: a link that is off is refused. A server " +
    "echoes tensors at its far end. First it is searched which rate this machine sends on time; all cells are run at that. Requests are sent when they are due, whatever became of those before, and latency counts from then. Linux, as root; elsewhere --delay-only.",
  operands: [],
  options: [
    scenario,
    rate,
    bytes,
    tls,
    rounds,
    warmUp,
    measure,
    cells,
    full,
    capacity,
    hedging,
    delayOnly,
    reportOption,
  ],
  examples: [
    {
      line: "cupel bench protocols --scenario atlantic-pacific",
      says: "twelve cells in a quarter of an hour",
    },
    {
      line: "cupel bench protocols --scenario lan --rate 500 --rounds 1 --measure 2000",
      says: "a first look, without a search and intervals",
    },
    {
      line: "cupel bench protocols --delay-only",
      says: "without rights: what round trips cost, and nothing about loss",
    },
    {
      line: "cupel bench protocols --report protocols.html",
      says: "with a page: what to choose and why",
    },
    { line: "cupel bench protocols --hedging", says: "when to send a call twice, in ten minutes" },
  ],
  async run(given, context) {
    const { signal, progress, seed, say, remark } = context;
    const withTls = (each: Cell): Cell => ({ ...each, tls: given.get(tls) ?? each.tls });
    const file = given.get(reportOption);
    // Before a quarter of an hour of work.
    if (file !== undefined) await assertWritable([file]);
    const link: LinkKind = given.get(delayOnly) ? "delay-only" : "emulated";
    if (link === "delay-only" && given.get(capacity))
      throw invalid(capacity.name, "compares congestion controls, which --delay-only has none of");
    const whole = scenarioOf(given, withTls);
    const { scenario: asked, leftOut } =
      link === "emulated" ? { scenario: whole, leftOut: 0 } : delayOnlyScenario(whole);
    if (leftOut > 0)
      remark(
        `Congestion control and slow start do not differ with --delay-only: ${numberOf(leftOut, "cell")} that would differ by them alone ${leftOut === 1 ? "is" : "are"} left out.`,
      );
    const policies = given.get(capacity) ? capacityCells.map(withTls) : null;
    const isSearched = given.get(rate) === undefined;
    const plan = {
      rounds: given.get(rounds),
      warmUpMs: given.get(warmUp),
      measureMs: given.get(measure),
      seed,
    };
    const seconds =
      secondsOf(asked, plan) +
      (isSearched ? rateSearchSeconds(asked) : 0) +
      (policies === null ? 0 : capacitySeconds(asked, policies, plan));
    const compared = numberOf(asked.links.length * asked.cells.length, "cell");
    say(`${compared}, ${numberOf(plan.rounds, "run")} each: about ${durationText(seconds * 1000)} at most.`);
    await using folder = await openServedFolder(signal);
    const how = { ...plan, link, signal, progress, startServer: folder.startServer };
    const measured = async (): Promise<ComparisonReport> => {
      const found = isSearched ? await searchRate(asked, how) : null;
      if (found !== null) say(`${rateText(found)}.`);
      const perSecond = found?.perSecond ?? asked.load.perSecond;
      const run = { ...asked, load: { ...asked.load, perSecond } };
      return reportOf({
        link,
        scenario: run,
        plan,
        environment: environment(),
        rate: found,
        compared: await runComparison(run, how),
        capacity: policies === null ? null : await measureCapacity(run, policies, how),
        isHedging: given.get(hedging),
      });
    };
    let report: ComparisonReport;
    try {
      report = await measured();
    } catch (cause) {
      // A Ctrl-C ends every process of the terminal: what broke by that is no failure of its own.
      throwIfCancelled(signal, "The comparison");
      throw cause;
    }
    for (const sentence of lateRemarks(report)) remark(sentence);
    if (file !== undefined) {
      const page = protocolsPage(report, new Date(context.clock.now()).toISOString());
      await writeFileAtomically(file, await renderProtocols(page), { signal });
    }
    return {
      json: { ...report, ...(file !== undefined && { page: file }) },
      text: [reportText(report), ...(file === undefined ? [] : [`The page is ${file}.`])].join("\n"),
    };
  },
};

/** With the cells that are to be compared. @throws OPTION_INVALID */
function scenarioOf(given: Given, withTls: (cell: Cell) => Cell): Scenario {
  const chosen = scenarios.find(({ name }) => name === given.get(scenario)) ?? scenarios[0]!;
  const asked = questions.filter(({ option }) => given.get(option));
  if (asked.length > 1)
    throw invalid(asked[1]!.option.name, `asks for other cells than --${asked[0]!.option.name}: give one`);
  const all = asked[0]?.cells ?? chosen.cells;
  return {
    ...chosen,
    load: {
      ...chosen.load,
      perSecond: given.get(rate) ?? chosen.load.perSecond,
      bytes: given.get(bytes) ?? chosen.load.bytes,
    },
    cells: all.slice(0, given.get(cells) ?? all.length).map(withTls),
  };
}
