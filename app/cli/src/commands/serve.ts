/** `cupel serve`: models behind REST and gRPC on one port, until it is told to stop. */
import {
  effectiveConfig,
  heedSupervisor,
  isSupervised,
  type LoadedConfig,
  leaveSupervisor,
  loadConfig,
  startServer,
  supervise,
} from "@cupel/serve";
import { parseDocument } from "yaml";
import { globals } from "../arguments/global-options.ts";
import { choice, flag, integer, invalid, repeated, text } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import { openRecord, type RecordPlace } from "../audit/open-record.ts";
import { openCommandRuntimeLog } from "../audit/open-runtime-log.ts";
import { cliErrors } from "../errors.ts";
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
  summary: "Port for REST and gRPC; 0 takes one that is free",
  fallback: "8080",
});
const processes = integer({
  name: "processes",
  placeholder: "N",
  min: 1,
  summary: "Processes that share the port; caches and limits are each process's own",
  fallback: "1",
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

const audit = text({
  name: "audit",
  placeholder: "FOLDER",
  summary:
    "Record every load and request there, masked and signed; an answer waits until its record is durable. One process alone. Keys that are " +
    "not beside it are made: FOLDER.key, FOLDER.pub, FOLDER.masking-key",
});
const auditKey = text({
  name: "audit-key",
  placeholder: "FILE",
  summary: "Key that signs the record, PRIVATE+KEY+...; its name is the record's origin",
  fallback: "FOLDER.key",
});
const auditPolicy = choice({
  name: "audit-policy",
  choices: ["block", "count-and-drop"],
  summary: "When the record cannot be written: refuse requests, or answer them and count what is lost",
  fallback: "block",
});

const runtimeLog = text({
  name: "runtime-log",
  placeholder: "FOLDER",
  summary:
    "Write what the runtime does (collections, event loop, connections, requests) there, 64 MiB at most; may be the folder of the record, and is no " +
    "audit log. One process alone",
});

export const serveCommand: Command = {
  name: "serve",
  summary: "Serve models over REST and gRPC on one port",
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
    settings,
    showConfig,
    audit,
    auditKey,
    auditPolicy,
    runtimeLog,
  ],
  examples: [
    { line: "cupel serve models/", says: "every model of a folder, at http://127.0.0.1:8080" },
    { line: "cupel serve --config serve.yaml --show-config", says: "what the settings come to" },
    { line: "cupel serve parts.onnx --port 9000 --set batching.maxDelayMs=2", says: "one model" },
    { line: "cupel serve models/ --audit record", says: "with a record of who asked what" },
    { line: "cupel serve models/ --runtime-log record", says: "for cupel audit tail --runtime record" },
  ],
  async run(given, context) {
    // Whatever comes of it, a process that is supervised ends then.
    using _ = { [Symbol.dispose]: leaveSupervisor };
    const loaded = await loadConfig(given.get(configFile) ?? null, flagsOf(given));
    if (given.get(showConfig)) return shown(loaded);
    const { config } = loaded;
    const place = recordPlace(given);
    const runtimeFolder = given.get(runtimeLog);
    for (const option of [audit, runtimeLog]) {
      if (config.processes === 1 || !given.has(option)) continue;
      throw invalid(
        option.name,
        `records one process, and ${config.processes} are to serve: a log has one writer`,
      );
    }
    if (config.processes > 1 && !isSupervised()) return await supervised(config, context);
    return await served(loaded, { place, runtimeFolder }, context);
  },
};

function flagsOf(given: Given): Readonly<Record<string, unknown>> {
  const [path] = given.operands;
  return {
    ...Object.fromEntries(given.get(settings).map(({ name, value }) => [name, value])),
    ...(path === undefined ? {} : { "repository.path": path }),
    "listen.host": given.get(host),
    "listen.port": given.get(port),
    processes: given.get(processes),
    "engine.threads": given.has(globals.threads) ? given.get(globals.threads) : undefined,
  };
}

/** Null for no record. */
function recordPlace(given: Given): RecordPlace | null {
  const folder = given.get(audit);
  const place = { keyFile: given.get(auditKey), policy: given.get(auditPolicy) };
  if (folder !== undefined) return { folder, ...place };
  for (const option of [auditKey, auditPolicy]) {
    if (given.has(option)) throw invalid(option.name, "says how to record, and needs --audit FOLDER");
  }
  return null;
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
  readonly place: RecordPlace | null;
  readonly runtimeFolder: string | undefined;
}

async function served(
  { config }: LoadedConfig,
  { place, runtimeFolder }: Logs,
  { signal: asked, say }: CommandContext,
): Promise<Outcome> {
  using supervisor = heedSupervisor(() => {
    say("The process that supervises is gone: requests in hand are broken off.");
    process.kill(process.pid, "SIGKILL");
  });
  const signal = AbortSignal.any([asked, supervisor.signal]);
  // Closed after the server, which tells of its last requests.
  await using _ = runtimeFolder === undefined ? null : await openCommandRuntimeLog(runtimeFolder, say);
  await using record = place === null ? null : await openRecord(place, say);
  await using server = await startServer(config, {
    signal,
    sink: record?.sink,
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
    say(`Serving ${names || "no model yet"} at ${url}. REST is described at ${url}/docs.`);
  }
  await stopped;
  await server.close();
  return { json: { url, models }, text: `Stopped serving at ${url}; every request was answered.` };
}

async function supervised(
  { processes: count, logging }: LoadedConfig["config"],
  { signal, say }: CommandContext,
): Promise<Outcome> {
  let served = 0;
  const status = await supervise({
    count,
    signal,
    log: { level: logging.level, destination: standardError },
    ready(about, pid) {
      const url = urlOf(about);
      if (++served === count) {
        say(`Serving from ${count} processes at ${url}. REST is described at ${url}/docs.`);
      } else if (served > count) say(`Process ${pid} serves in place of one that ended.`);
    },
  });
  if (status !== 0) {
    throw cliErrors.error("SERVE_FAILED", `No process could start; the first ended with status ${status}.`, {
      details: { status },
    });
  }
  return { json: { processes: count }, text: `Stopped ${count} processes; every request was answered.` };
}

const standardError = { write: (line: string) => void process.stderr.write(line) };

/** Of what a process tells when it serves. */
function urlOf(message: unknown): string {
  return typeof message === "object" && message !== null && "url" in message ? String(message.url) : "";
}
