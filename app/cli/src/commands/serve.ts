/** `cupel serve`: models behind every face on one port, until it is told to stop. */
import { type AttestationGateOptions, openAttestationGate } from "@cupel/attest";
import {
  type EventFacts,
  type EventSeverity,
  type EventSink,
  errorFrom,
  type Gate,
  reasonOf,
  type WorkEvent,
} from "@cupel/base";
import {
  effectiveConfig,
  handEvents,
  heedSupervisor,
  isSupervised,
  type LoadedConfig,
  leaveSupervisor,
  loadConfig,
  type ServeConfig,
  startServer,
  supervise,
} from "@cupel/serve";
import { parseDocument } from "yaml";
import { globals } from "../arguments/global-options.ts";
import { flag, integer, invalid, repeated, text } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import { digestOfJson } from "../audit/input-facts.ts";
import { openRecord } from "../audit/open-record.ts";
import { openCommandRuntimeLog } from "../audit/open-runtime-log.ts";
import { operator } from "../audit/operator.ts";
import { recordOptions, recordPlace } from "../audit/record-options.ts";
import { cliErrors } from "../errors.ts";
import { consolePages } from "../serve/console-pages.ts";
import { tableText } from "../terminal/table.ts";
import { cupelVersion } from "../version.ts";
import type { Command, CommandContext, Outcome } from "./command.ts";

const configFile = text({
  name: "config",
  placeholder: "FILE",
  summary: "Settings as YAML or JSON; what is given on the command line goes before them",
});
const host = text({
  name: "host",
  placeholder: "ADDRESS",
  summary: "Address to listen at; without TLS only this machine's own",
  fallback: "127.0.0.1",
});
const port = integer({
  name: "port",
  placeholder: "N",
  min: 0,
  summary: "Port of every face; 0 takes one that is free",
  fallback: "8080",
});
const processes = integer({
  name: "processes",
  placeholder: "N",
  min: 1,
  summary: "Processes that share the port; caches and limits are each process's own",
  fallback: "1",
});
const attestation = text({
  name: "require-attestation",
  placeholder: "POLICY",
  summary:
    "Serve only models that lie in a sealed folder and are as they were sealed, by whom the policy says; a refusal at the start ends with status 77",
});
const settings = repeated(
  {
    name: "set",
    placeholder: "NAME=VALUE",
    summary: "Any setting by its dotted name, such as limits.inFlight=200; may be given several times",
  },
  "a setting and its value, such as limits.inFlight=200",
  (given) => {
    const [, name, value] = /^([\w.]+)=(.*)$/s.exec(given) ?? [];
    return name === undefined || value === undefined ? undefined : { name, value: settingValue(value) };
  },
);
const showConfig = flag({
  name: "show-config",
  summary: "Show every setting, its value and where it comes from, and do nothing",
});

const runtimeLog = text({
  name: "runtime-log",
  placeholder: "FOLDER",
  summary:
    "Write what the runtime does (collections, event loop, connections, requests) there, 64 MiB at most; may be the folder of the record, and is no " +
    "audit log. One process alone",
});

export const serveCommand: Command = {
  description:
    "Speaks the Open Inference Protocol v2, with images in and answers out besides. In a folder, NAME.onnx is version 1 of the model NAME, and " +
    "NAME/2/model.onnx is version 2. Changed files are loaded while the server runs: a broken one never replaces a good one. Log lines, as JSON, go to " +
    "standard error. Ctrl-C or SIGTERM stops it: what it has accepted is answered first.",
  operands: [
    {
      name: "MODELS",
      summary: "A folder of models, or one .onnx file; else the configuration says it",
      optional: true,
    },
  ],
  options: [
    configFile,
    host,
    port,
    processes,
    attestation,
    settings,
    showConfig,
    ...Object.values(recordOptions),
    runtimeLog,
  ],
  examples: [
    { line: "cupel serve models/", says: "every model of a folder, at http://127.0.0.1:8080" },
    { line: "cupel serve --config serve.yaml --show-config", says: "what the settings come to" },
    { line: "cupel serve parts.onnx --port 9000 --set batching.maxDelayMs=2", says: "one model" },
    { line: "cupel serve models/ --audit record", says: "with a record of who asked what" },
    { line: "cupel serve models/ --require-attestation policy.json", says: "nothing but what is sealed" },
    { line: "cupel serve models/ --runtime-log record", says: "for cupel audit tail --runtime record" },
  ],
  async run(given, context) {
    // Whatever comes of it, a process that is supervised ends then.
    using _ = { [Symbol.dispose]: leaveSupervisor };
    if (given.get(showConfig)) return shown(await settingsOf(given));
    const place = recordPlace(given);
    if (isSupervised()) {
      using handed = place === null ? null : handEvents();
      return await served(await settingsOf(given), { sink: handed ?? undefined }, context);
    }
    // Closed after the server, which tells of its last requests.
    await using record = place === null ? null : await openRecord(place, context.say);
    const loaded = await recordedSettings(given, record?.sink, context);
    const runtimeFolder = given.get(runtimeLog);
    const { processes: count } = loaded.config;
    if (count > 1 && runtimeFolder !== undefined) {
      throw invalid(runtimeLog.name, `records one process, and ${count} are to serve: a log has one writer`);
    }
    const work = count > 1 ? supervised : served;
    return await work(loaded, { sink: record?.sink, runtimeFolder }, context);
  },
};

function settingsOf(given: Given): Promise<LoadedConfig> {
  return loadConfig(given.get(configFile) ?? null, flagsOf(given));
}

/** What is refused is recorded too. @throws as `loadConfig`; RECORD_UNAVAILABLE */
async function recordedSettings(
  given: Given,
  sink: EventSink | undefined,
  { say }: CommandContext,
): Promise<LoadedConfig> {
  const loaded = await settingsOf(given).catch(async (thrown: unknown) => {
    const refusal = settingsEvent("CONFIG.REFUSE", "ERROR", { code: errorFrom(thrown).code });
    await sink
      ?.emit(refusal)
      ?.catch((unrecorded: unknown) => say(`Audit: that is not recorded: ${reasonOf(unrecorded)}`));
    throw thrown;
  });
  // References to secrets are among them, and no secret.
  const settings = effectiveConfig(loaded).map(({ name, value }) => [name, value]);
  await sink?.emit(settingsEvent("CONFIG.LOAD", "INFO", { digest: digestOfJson(settings) }));
  return loaded;
}

function settingsEvent(action: string, severity: EventSeverity, context: EventFacts): WorkEvent {
  const object = { program: "serve", version: cupelVersion() };
  return { action, severity, subject: operator(), object, context };
}

function flagsOf(given: Given): Readonly<Record<string, unknown>> {
  const [path] = given.operands;
  return {
    ...Object.fromEntries(given.get(settings).map(({ name, value }) => [name, value])),
    ...(path === undefined ? {} : { "repository.path": path }),
    "listen.host": given.get(host),
    "listen.port": given.get(port),
    processes: given.get(processes),
    "attestation.policy": given.get(attestation),
    "engine.threads": given.has(globals.threads) ? given.get(globals.threads) : undefined,
  };
}

/** As in the file: a number, a word, a list. */
function settingValue(given: string): unknown {
  const document = parseDocument(given);
  if (document.errors.length > 0) throw invalid("set", `has a value that is no YAML: ${given}`);
  return document.toJS({ maxAliasCount: 0 });
}

function shown(loaded: LoadedConfig): Outcome {
  const rows = effectiveConfig(loaded);
  const table = rows.map(({ name, value, origin }) => [name, JSON.stringify(value), origin]);
  return {
    json: { settings: rows },
    text: tableText([["setting", "value", "from"], ...table]),
  };
}

interface Logs {
  /** Of the record. */
  readonly sink: EventSink | undefined;
  readonly runtimeFolder?: string | undefined;
}

async function served(
  { config }: LoadedConfig,
  { sink, runtimeFolder }: Logs,
  { signal: asked, say, progress }: CommandContext,
): Promise<Outcome> {
  using supervisor = heedSupervisor(() => {
    say("The process that supervises is gone: requests in hand are broken off.");
    process.kill(process.pid, "SIGKILL");
  });
  const signal = AbortSignal.any([asked, supervisor.signal]);
  await using _ = runtimeFolder === undefined ? null : await openCommandRuntimeLog(runtimeFolder, say);
  const gate = await gateOf(config, { sink, progress });
  await using server = await startServer(config, {
    signal,
    sink,
    gate,
    pages: consolePages(),
    version: cupelVersion(),
    log: standardError,
  });
  const { url } = server;
  const models = server.index().map(({ name, version, state }) => ({ name, version, state }));
  const ready = models.filter(({ state }) => state === "READY");
  const names = ready.map(({ name, version }) => `${name} (version ${version})`).join(", ");
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => stop(), { once: true });
  if (signal.aborted) stop();
  if (!isSupervised()) {
    say(
      `Serving ${names || "no model yet"} at ${url}. REST is described at ${url}/docs; a browser shows the console at ${url}.`,
    );
  }
  await stopped;
  await server.close();
  return { json: { url, models }, text: `Stopped serving at ${url}; every request was answered.` };
}

/** @throws as `openAttestationGate` */
async function gateOf(
  { attestation: { policy }, repository }: ServeConfig,
  options: Pick<AttestationGateOptions, "sink" | "progress">,
): Promise<Gate | undefined> {
  if (policy === null) return undefined;
  return await openAttestationGate(policy, { ...options, repository: repository.path });
}

async function supervised(
  { config }: LoadedConfig,
  { sink }: Logs,
  { signal, say }: CommandContext,
): Promise<Outcome> {
  const { processes: count, logging } = config;
  // Each process has its own. A policy that cannot be used is told of once.
  await gateOf(config, {});
  let served = 0;
  const status = await supervise({
    count,
    signal,
    sink,
    log: { level: logging.level, destination: standardError },
    ready(about, pid) {
      const url = urlOf(about);
      if (++served === count) {
        say(
          `Serving from ${count} processes at ${url}. REST is described at ${url}/docs; a browser shows the console at ${url}.`,
        );
      } else if (served > count) say(`Process ${pid} serves in place of one that ended.`);
    },
  });
  if (status !== 0) {
    const isRefusal = status === cliErrors.specs.SERVE_REFUSED.exit;
    throw cliErrors.error(
      isRefusal ? "SERVE_REFUSED" : "SERVE_FAILED",
      `No process could start; the first ended with status ${status}.`,
      {
        details: { status },
      },
    );
  }
  return { json: { processes: count }, text: `Stopped ${count} processes; every request was answered.` };
}

const standardError = { write: (line: string) => void process.stderr.write(line) };

/** Of what a process tells when it serves. */
function urlOf(message: unknown): string {
  return typeof message === "object" && message !== null && "url" in message ? String(message.url) : "";
}
