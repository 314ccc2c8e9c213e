/** The server that the clients and suites here are run against, in a process of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface StartedServer extends AsyncDisposable {
  /** "http://127.0.0.1:40123" */
  readonly url: string;
}

export async function startServer(): Promise<StartedServer> {
  const script = join(import.meta.dirname, "../../service/serve/tools/conformance-server.ts");
  const child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const lines = createInterface(child.stdout);
  const url = await Promise.race([
    once(lines, "line").then(([line]) => String(line)),
    exited.then(([status]) => Promise.reject(new Error(`The server ended with status ${status}.`))),
  ]);
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await exited;
    },
  };
}
