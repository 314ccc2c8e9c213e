/** A child process that is talked to in lines, on the cores it is given. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface LineProcess extends AsyncDisposable {
  readonly pid: number;
  write(line: string): void;
  /** The next line of its standard output. @throws when it has ended */
  line(): Promise<string>;
}

export interface LineProcessOptions {
  /** As `taskset` takes them; null for all. */
  readonly cpus: string | null;
  /** What it writes to its standard output is dropped. Default false. */
  readonly isMute?: boolean;
  /** Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
}

export function startLineProcess(
  command: string,
  args: readonly string[],
  { cpus, isMute = false, env = process.env }: LineProcessOptions,
): LineProcess {
  const words = cpus === null ? [command, ...args] : ["taskset", "-c", cpus, command, ...args];
  const child = spawn(words[0]!, words.slice(1), {
    env,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const said: string[] = [];
  child.stderr.on("data", (chunk) => {
    said.push(String(chunk));
    if (said.length > 50) said.shift();
  });
  // Lines that nobody takes would fill the pipe, and the process would wait for ever to write the next.
  if (isMute) child.stdout.resume();
  const lines = isMute ? null : createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return {
    pid: child.pid ?? 0,
    write: (line) => void child.stdin.write(`${line}\n`),
    async line() {
      const next = await lines?.next();
      if (next && !next.done) return next.value;
      throw new Error(`${words.join(" ")} ended: ${said.join("").slice(-2_000)}`);
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      child.kill("SIGTERM");
      await ended;
    },
  };
}
