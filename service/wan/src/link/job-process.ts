/**
 * A Node.js process that does one job somewhere, such as in a namespace: it is handed the job as the first line of its
 * standard input, and tells as lines of JSON that it is ready and what came of it. The end of its input asks it to end;
 * that comes too when this process is killed, so that none is left behind. `serve-job.ts` is the other half.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cancellation } from "@cupel/base";
import { type WanErrorCode, wanErrors } from "../errors.ts";
import { commandAt, type Place } from "./place.ts";

export interface JobProcess extends AsyncDisposable {
  readonly pid: number;
  /** What it told when it was ready. */
  readonly ready: Promise<unknown>;
  /** What came of the job. */
  readonly result: Promise<unknown>;
  /** What it says when asked in between; of several questions the answers MUST come in their order. */
  ask(question?: unknown): Promise<unknown>;
  /** Asks it to end. @returns the result */
  stop(): Promise<unknown>;
}

export interface JobOptions {
  readonly place: Place;
  /** For messages, such as "The load generator". */
  readonly name: string;
  /** What a failure of the process is. Default LOAD_FAILED. */
  readonly code?: WanErrorCode | undefined;
  /** A command line that stands before that of Node.js, and runs it. */
  readonly before?: readonly string[] | undefined;
  /** Of Node.js. */
  readonly flags?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A process that was asked to end and has not after so long is killed, in ms. */
const patienceMs = 5_000;

export function startJob(entry: URL, job: unknown, options: JobOptions): JobProcess {
  const { place, before = [], flags = [], signal } = options;
  const node: [string, ...string[]] = [process.execPath, "--no-warnings", ...flags, fileURLToPath(entry)];
  const [first, ...rest] = [...before, ...node];
  const [command, args] = commandAt(place, [first ?? process.execPath, ...rest]);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  const told = new Told(child, options);
  // Its end tells what went wrong, with what it said.
  child.stdin.on("error", () => {});
  child.stdin.write(`${JSON.stringify(job)}\n`);
  const end = () => child.stdin.end();
  signal?.addEventListener("abort", end, { once: true });
  if (signal?.aborted) end();
  const stop = async () => {
    end();
    const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
    try {
      await told.ended;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
    }
    return await told.result.promise;
  };
  return {
    pid: child.pid ?? 0,
    ready: told.ready.promise,
    result: told.result.promise,
    ask(question = null) {
      if (told.failure !== null) return Promise.reject(told.failure);
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      told.asked.push({ resolve, reject });
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return promise;
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop().catch(() => {});
    },
  };
}

/** What the process said so far, and what waits for it. */
class Told {
  readonly ready = Promise.withResolvers<unknown>();
  readonly result = Promise.withResolvers<unknown>();
  readonly asked: { resolve(value: unknown): void; reject(reason: unknown): void }[] = [];
  readonly ended: Promise<void>;
  /** Once it has ended: who asks then would wait for ever. */
  failure: Error | null = null;

  constructor(
    child: ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream },
    { name, code = "LOAD_FAILED", signal }: JobOptions,
  ) {
    let err = "";
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => {
      err = (err + text).slice(-4_000);
    });
    createInterface({ input: child.stdout }).on("line", (line) => this.#heard(line));
    // Who awaits neither is told by the other.
    this.ready.promise.catch(() => {});
    this.result.promise.catch(() => {});
    const fail = (how: string) => {
      // Who leaves ends the processes too, and is not told that they ended.
      const error = signal?.aborted
        ? cancellation(name, signal)
        : wanErrors.error(code, `${name} ${how}.${err === "" ? "" : ` It said: ${err.trim()}`}`);
      this.failure ??= error;
      for (const each of [this.ready, this.result, ...this.asked]) each.reject(error);
    };
    this.ended = new Promise((resolve) => {
      child.on("error", (error) => {
        fail(`could not be started: ${error.message}`);
        resolve();
      });
      child.on("close", (status, killed) => {
        fail(`ended ${killed === null ? `with status ${status}` : `by ${killed}`} without a result`);
        resolve();
      });
    });
  }

  #heard(line: string): void {
    if (!line.startsWith('{"')) return;
    const said: Readonly<Record<string, unknown>> = JSON.parse(line);
    if ("ready" in said) this.ready.resolve(said.ready);
    if ("reply" in said) this.asked.shift()?.resolve(said.reply);
    if ("result" in said) {
      this.ready.resolve(undefined);
      this.result.resolve(said.result);
    }
  }
}
