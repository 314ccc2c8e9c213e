/** A real Redis for a test, on a port and a folder of its own; its file is written before it answers, so that a restart forgets nothing. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { openTemporaryFolder } from "@cupel/base";

function isInstalled(): boolean {
  try {
    execFileSync("redis-server", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** For the `skip` of a test. */
export const withoutRedis = isInstalled()
  ? false
  : "no redis-server: install the Debian package of that name";

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Ended at once and started again. */
  restart(): Promise<void>;
}

export async function startRedis(...options: readonly string[]): Promise<RedisServer> {
  const folder = await openTemporaryFolder("redis");
  const port = await freePort();
  const words = ["--port", `${port}`, "--dir", folder.path, "--save", "", "--appendonly", "yes"];
  const start = () => started([...words, "--appendfsync", "always", "--bind", "127.0.0.1", ...options]);
  let child = await start();
  return {
    port,
    url: `redis://127.0.0.1:${port}/0`,
    async restart() {
      await ended(child);
      child = await start();
    },
    async [Symbol.asyncDispose]() {
      await ended(child);
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function started(words: readonly string[]): Promise<ChildProcess> {
  const child = spawn("redis-server", words, { stdio: ["ignore", "pipe", "inherit"] });
  let log = "";
  child.stdout.setEncoding("utf8");
  for await (const text of child.stdout) {
    log += text;
    if (/Ready to accept connections/.test(log)) break;
  }
  child.stdout.resume();
  if (child.exitCode !== null) throw new Error(log);
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
