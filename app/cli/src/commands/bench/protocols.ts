/** `cupel bench protocols`: which protocol, over which connections, across an emulated ocean. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type MedianInterval, moduleBeside, openTemporaryFolder } from "@cupel/base";
import {
  type CellSummary,
  type ComparedServer,
  commandAt,
  environment,
  everyCell,
  lagLimitMs,
  type Place,
  planDefaults,
  policyText,
  runComparison,
  scenarios,
  secondsOf,
  summarise,
} from "@cupel/wan";
import { choice, flag, integer } from "../../arguments/option.ts";
import { cliErrors } from "../../errors.ts";
import { durationText, percentText } from "../../terminal/figures.ts";
import { tableText } from "../../terminal/table.ts";
import type { Command } from "../command.ts";
import { echoModel } from "./echo-model.ts";

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
  summary: "Every protocol, policy and congestion control, cold and warm: says its time first",
});

export const benchProtocolsCommand: Command = {
  description:
    "Emulates the link between two network namespaces, packet by packet, and measures it before each round: a link that is off is refused. A server " +
    "echoes tensors at its far end. Requests are sent when they are due, whatever became of those before, and latency counts from then. Linux, as root.",
  operands: [],
  options: [scenario, rate, rounds, warmUp, measure, cells, full],
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
      load: { ...chosen.load, perSecond: given.get(rate) ?? chosen.load.perSecond },
      cells: all.slice(0, given.get(cells) ?? all.length),
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
    await using folder = await openTemporaryFolder("bench-protocols");
    const path = join(folder.path, "echo.onnx");
    await writeFile(path, echoModel());
    const links = await runComparison(compared, {
      ...plan,
      signal,
      progress,
      startServer: (place) => startServer(path, place, signal),
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
        "Times in ms: medians of the runs, with 95 % intervals. Failed: without a good answer in time, of all that was asked.",
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
  { title: "hedge", cell: ({ cell }) => (cell.hedgeMs === null ? "-" : `${cell.hedgeMs}`) },
  { title: "mean", cell: ({ mean }) => mean.value.toFixed(0) },
  { title: "P50", cell: ({ p50 }) => p50.value.toFixed(0) },
  { title: "P99", cell: ({ p99 }) => intervalText(p99) },
  { title: "failed", cell: ({ failed }) => percentText(failed) },
  { title: "bytes", cell: ({ bytes }) => bytes?.toFixed(0) ?? "-" },
  { title: "packets", cell: ({ packets }) => packets?.toFixed(1) ?? "-" },
  { title: "made", cell: ({ connections }) => connections?.toFixed(0) ?? "-" },
  { title: "extra", cell: ({ extraSends }) => (extraSends === 0 ? "-" : percentText(extraSends, 1)) },
  { title: "CPU there", cell: ({ serverCpuMs }) => serverCpuMs.toFixed(2) },
  { title: "lag P99", cell: ({ lagP99 }) => lagP99.value.toFixed(2) },
];

function intervalText({ value, low, high }: MedianInterval): string {
  return Number.isFinite(low)
    ? `${value.toFixed(0)} (${low.toFixed(0)} - ${high.toFixed(0)})`
    : value.toFixed(0);
}

/** What the server must not be the limit of: calls at once on one connection, and in all. Nobody but the generator reaches it. */
const serverSettings = [
  "listen.cleartextAnywhere=true",
  "listen.limits.streams=100000",
  "engine.trial=false",
  "logging.level=error",
];

/** @throws SERVE_FAILED */
async function startServer(model: string, place: Place, signal: AbortSignal): Promise<ComparedServer> {
  const entry = fileURLToPath(moduleBeside(import.meta.url, "../../main"));
  const [command, words] = commandAt(place, [
    process.execPath,
    "--no-warnings",
    entry,
    "serve",
    model,
    "--host",
    place.address,
    "--port",
    "8080",
    ...serverSettings.flatMap((each) => ["--set", each]),
  ]);
  const child = spawn(command, words, { stdio: ["ignore", "ignore", "pipe"] });
  const closed = once(child, "close");
  const { promise: serving, resolve, reject } = Promise.withResolvers<string>();
  let said = "";
  createInterface({ input: child.stderr }).on("line", (line) => {
    said = `${said}${line}\n`.slice(-4_000);
    const [, url] = /^Serving .*? at (http:\/\/[\d.]+:\d+)\./.exec(line) ?? [];
    if (url !== undefined) resolve(url);
  });
  closed.then(
    () =>
      reject(
        cliErrors.error(
          "SERVE_FAILED",
          `The server at the far end of the link ended. It said: ${said.trim()}`,
        ),
      ),
    reject,
  );
  const leave = () => child.kill();
  signal.addEventListener("abort", leave, { once: true });
  const url = await serving;
  return {
    url,
    pid: child.pid ?? 0,
    call: { model: "echo", input: "x" },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener("abort", leave);
      child.kill();
      await closed;
    },
  };
}
