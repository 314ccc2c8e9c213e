/** The servers that are compared, each a process that is started on given cores and asked for its port and its memory. */
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { type LineProcess, startLineProcess } from "./line-process.ts";

/** As npm puts it into the path of its scripts. */
export const cupelCommand = "cupel";

export interface ServerProcess extends AsyncDisposable {
  readonly port: number;
  /** Bytes resident now. */
  memory(): Promise<number>;
}

export interface CupelProcess extends ServerProcess {
  /** How many events of each kind it told so far. */
  events(): Promise<Readonly<Record<string, number>>>;
}

/** @param settings by dotted name @param told whether it counts its events, which costs a little with every request */
export async function startCupel(
  settings: Readonly<Record<string, unknown>>,
  cpus: string | null,
  told = false,
): Promise<CupelProcess> {
  const script = new URL("cupel-server.ts", import.meta.url).pathname;
  const child = startLineProcess(
    process.execPath,
    [script, JSON.stringify(settings), ...(told ? ["events"] : [])],
    { cpus },
  );
  const port = Number(await child.line());
  return {
    port,
    async memory() {
      child.write("memory");
      return Number(await child.line());
    },
    async events() {
      child.write("events");
      return JSON.parse(await child.line());
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** KServe's Python server; it says nothing on its standard output. */
export async function startKserve(
  python: string,
  model: string,
  threads: number,
  cpus: string | null,
): Promise<Omit<ServerProcess, "memory">> {
  const port = await freePort();
  const script = new URL("kserve_server.py", import.meta.url).pathname;
  const args = [script, model, String(port), String(threads)];
  const child = startLineProcess(python, args, { cpus, isMute: true });
  await ready(child, port);
  return { port, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** `cupel serve`, as it is called by people. @param args but for the port. @param env default: this process's */
export async function startCupelServe(
  args: readonly string[],
  cpus: string | null,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Omit<ServerProcess, "memory"> & { readonly pid: number }> {
  const port = await freePort();
  const words = ["serve", ...args, "--port", String(port)];
  const child = startLineProcess(cupelCommand, words, { cpus, env, isMute: true });
  await ready(child, port);
  return { port, pid: child.pid, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** Ends the process where it is not ready within a minute. */
async function ready(child: LineProcess, port: number): Promise<void> {
  for (let i = 0; i < 300; i++) {
    await wait(200);
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/v2/health/ready`);
      if (answer.ok) return;
    } catch {
      // It does not listen yet.
    }
  }
  await child[Symbol.asyncDispose]();
  throw new Error("The server did not get ready within a minute.");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
