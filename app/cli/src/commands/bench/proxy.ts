/** `cupel bench proxy`: a reverse proxy that makes answers late, and the load that its preset is for. */
import { once } from "node:events";
import { throwIfCancelled } from "@cupel/base";
import {
  type DelayProxy,
  generateLoad,
  injectedDelayHeader,
  type LoadFigures,
  openDelayProxy,
  delayProxyPreset as preset,
  thisMachine,
} from "@cupel/wan";
import { integer, parsed } from "../../arguments/option.ts";
import { cliErrors } from "../../errors.ts";
import { millisecondsText, numberOf, percentText } from "../../terminal/figures.ts";
import { tableText } from "../../terminal/table.ts";
import type { Command, CommandContext } from "../command.ts";

const target = parsed(
  {
    name: "target",
    placeholder: "URL",
    summary:
      "The server that requests go on to, such as http://127.0.0.1:8080; --load asks for its path. Required",
  },
  "a URL that begins with http:// or https://",
  (given) => {
    const url = URL.parse(given);
    return url !== null && /^https?:$/.test(url.protocol) ? url : undefined;
  },
);
const port = integer({
  name: "port",
  placeholder: "N",
  min: 0,
  value: 8090,
  summary: "Of this machine's own address, which alone it listens at; 0 takes one that is free",
});
const minMs = integer({
  name: "min-ms",
  placeholder: "MS",
  min: 0,
  value: preset.minMs,
  summary: "The least delay of a request; each is drawn evenly from here to --max-ms, by --seed",
});
const maxMs = integer({
  name: "max-ms",
  placeholder: "MS",
  min: 0,
  value: preset.maxMs,
  summary: "The greatest delay of a request",
});
const connections = integer({
  name: "connections",
  placeholder: "N",
  min: 1,
  value: preset.connections,
  summary: "Connections at most: of the proxy to the server, and of --load to the proxy",
});
const load = integer({
  name: "load",
  placeholder: "SECONDS",
  min: 1,
  summary: `Ask for the path of --target by GET, ${preset.perSecond} times a second for so long, show the percentiles, and end`,
  fallback: "serves until Ctrl-C",
});

export const benchProxyCommand: Command = {
  description:
    "A tool for developing against a slow server. It is no emulator of a link: it ends TCP, so nobody behind it ever sees a lost packet, and what is " +
    `measured through it says nothing about an ocean; cupel bench protocols does. Each answer carries its delay in the header ${injectedDelayHeader}. ` +
    "Speaks HTTP/1.1, on this machine's own address alone. Ctrl-C ends it.",
  operands: [],
  options: [target, port, minMs, maxMs, connections, load],
  examples: [
    {
      line: "cupel bench proxy --target http://127.0.0.1:8080",
      says: "answers 10 to 150 ms late, at http://127.0.0.1:8090",
    },
    {
      line: "cupel bench proxy --target http://127.0.0.1:8080 --min-ms 150 --max-ms 150 --port 9000",
      says: "always as late, on another port",
    },
    {
      line: "cupel bench proxy --target http://127.0.0.1:8080/v2/health/live --load 10",
      says: "200 requests/s over up to 500 connections, for ten seconds",
    },
  ],
  async run(given, context) {
    const to = given.get(target);
    if (to === undefined)
      throw cliErrors.error(
        "ARGUMENT_MISSING",
        "The proxy needs the server behind it: --target http://127.0.0.1:8080.",
      );
    await using proxy = await openDelayProxy({
      target: to.origin,
      port: given.get(port),
      minMs: given.get(minMs),
      maxMs: given.get(maxMs),
      connections: given.get(connections),
      seed: context.seed,
    });
    context.say(
      `Passing ${proxy.url} on to ${to.origin}, ${proxy.minMs} to ${proxy.maxMs} ms late (header ${injectedDelayHeader}).`,
    );
    const seconds = given.get(load);
    if (seconds !== undefined)
      return await loaded(proxy, { url: to, seconds, connections: given.get(connections) }, context);
    if (!context.signal.aborted) await once(context.signal, "abort");
    const { url, requests } = proxy;
    return {
      json: { url, target: to.origin, requests },
      text: `Stopped passing ${url} on, after ${numberOf(requests, "request")}.`,
    };
  },
};

interface Load {
  /** Its path is asked for. */
  readonly url: URL;
  readonly seconds: number;
  readonly connections: number;
}

async function loaded(
  proxy: DelayProxy,
  { url, seconds, connections: most }: Load,
  { signal, seed }: CommandContext,
) {
  const { perSecond } = preset;
  const figures = await generateLoad(
    {
      load: { loop: "open", law: "poisson", perSecond, durationMs: seconds * 1000, seed },
      warmUpMs: 0,
      target: {
        kind: "page",
        url: `${proxy.url}${url.pathname}${url.search}`,
        policy: { http: 1, connections: most },
        deadlineMs: proxy.maxMs + 30_000,
      },
      device: null,
    },
    { place: thisMachine, signal },
  );
  throwIfCancelled(signal, "The load");
  const facts = {
    url: proxy.url,
    target: url.href,
    perSecond,
    connectionsAtMost: most,
    connectionsMade: proxy.connections,
    delayMs: { min: proxy.minMs, max: proxy.maxMs },
  };
  return {
    json: { ...facts, load: figures },
    text: [
      `${numberOf(figures.requests, "request")} in ${seconds} s at ${perSecond} a second, over ${proxy.connections} of up to ${numberOf(most, "connection")}, ${proxy.minMs} to ${proxy.maxMs} ms late:`,
      percentileTable(figures),
      failureText(figures),
      "It is the delay of a proxy, and not of a link: nothing was lost on the way.",
    ].join("\n"),
  };
}

function percentileTable({ latency, lag }: LoadFigures): string {
  const rows = (latency?.curve ?? [])
    .filter(([percent]) => percent >= 50)
    .map(([percent, ms]) => [percent === 100 ? "slowest" : `P${percent}`, millisecondsText(ms)]);
  return tableText([
    ["", "latency"],
    ["mean", millisecondsText(latency?.mean ?? 0)],
    ...rows,
    ["sent late, P99", millisecondsText(lag?.p99 ?? 0)],
  ]);
}

function failureText({ requests, outcomes, failures }: LoadFigures): string {
  const failed = requests - outcomes.ok;
  if (failed === 0) return "Every request was answered with status 200.";
  const told = Object.values(failures).join(" ");
  return `${percentText(failed / Math.max(1, requests))} were not answered with status 200: ${told}`;
}
