/** Runs a program under a trace, as the command does, and gives what was seen. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { readdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { openTemporaryFolder } from "@cupel/base";
import { collectObservations, type EnvPolicy, type Observation, prepareTrace } from "../../src/index.ts";

export interface TracedRun {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
  readonly observations: readonly Observation[];
  readonly broken: number;
  /** All that lies in the folder of the trace, as one text. */
  readonly written: string;
}

export interface TracedOptions {
  readonly project: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly policy?: EnvPolicy;
  readonly node?: string;
}

export interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export async function runTraced(words: readonly string[], options: TracedOptions): Promise<TracedRun> {
  await using folder = await openTemporaryFolder("env-trace");
  const { project, policy, env = {}, node = process.execPath } = options;
  const trace = await prepareTrace({
    folder: join(folder.path, "trace"),
    project,
    ...(policy && { policy }),
  });
  const ended = await runPlain(node, words, {
    cwd: project,
    env: { ...systemNames(), ...env, NODE_OPTIONS: trace.nodeOptions(env.NODE_OPTIONS) },
  });
  const files = await Promise.all(
    (await readdir(trace.folder)).map((name) => readFile(join(trace.folder, name), "utf8")),
  );
  return { ...ended, ...(await collectObservations(trace.folder)), written: files.join("\n") };
}

export async function runPlain(
  program: string,
  words: readonly string[],
  options: SpawnOptions,
): Promise<Ended> {
  const child: ChildProcess = spawn(program, words, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const status = await new Promise<number | null>((done) => child.on("close", done));
  return { status, out, err };
}

/** Without which programs do not start. */
export function systemNames(): Record<string, string> {
  const names = process.platform === "win32" ? ["PATH", "SystemRoot", "TEMP"] : ["PATH"];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]!]])),
  );
}

export interface Project extends AsyncDisposable {
  readonly path: string;
}

/** A folder for a project, by its path without links. */
export async function openProject(): Promise<Project> {
  const folder = await openTemporaryFolder("env-project");
  return { path: await realpath(folder.path), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
