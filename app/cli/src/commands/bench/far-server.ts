/** Starts `cupel serve` at the far end of an emulated link, as a process of its own, with or without TLS. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { moduleBeside, openTemporaryFolder } from "@cupel/base";
import { type ComparedServer, commandAt, type Place, type ServerTls, type StartServer } from "@cupel/wan";
import { cliErrors } from "../../errors.ts";
import { echoModel } from "./echo-model.ts";

/** What the server must not be the limit of: calls at once on one connection, and in all. Nobody but the generator reaches it. */
const serverSettings = [
  "listen.cleartextAnywhere=true",
  "listen.limits.streams=100000",
  "engine.trial=false",
  "logging.level=error",
];

/** A folder with what servers of a comparison read. */
export interface ServedFolder extends AsyncDisposable {
  /** @throws SERVE_FAILED */
  readonly startServer: StartServer;
}

export async function openServedFolder(signal: AbortSignal): Promise<ServedFolder> {
  const folder = await openTemporaryFolder("bench");
  const model = join(folder.path, "echo.onnx");
  await writeFile(model, echoModel());
  return {
    async startServer(place, tls) {
      const files = tls === null ? {} : await writeTls(folder.path, tls);
      return await startServer(model, place, files, signal);
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** @returns the settings that name the files */
async function writeTls(
  folder: string,
  { certificate, key, clientAuthority }: ServerTls,
): Promise<Readonly<Record<string, string>>> {
  const own = await mkdtemp(join(folder, "tls-"));
  const texts = { certificate, key, ...(clientAuthority === null ? {} : { clientAuthority }) };
  const paths = Object.entries(texts).map(([name, text]) => [name, join(own, `${name}.pem`), text] as const);
  for (const [, path, text] of paths) await writeFile(path, text, { mode: 0o600 });
  return Object.fromEntries(paths.map(([name, path]) => [`listen.tls.${name}`, path]));
}

async function startServer(
  model: string,
  place: Place,
  tls: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ComparedServer> {
  const settings = [...serverSettings, ...Object.entries(tls).map(([name, path]) => `${name}=${path}`)];
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
    "0",
    ...settings.flatMap((each) => ["--set", each]),
  ]);
  const child = spawn(command, words, { stdio: ["ignore", "ignore", "pipe"] });
  const closed = once(child, "close");
  const { promise: serving, resolve, reject } = Promise.withResolvers<string>();
  let said = "";
  createInterface({ input: child.stderr }).on("line", (line) => {
    said = `${said}${line}\n`.slice(-4_000);
    const [, url] = /^Serving .*? at (https?:\/\/[\d.]+:\d+)\./.exec(line) ?? [];
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
