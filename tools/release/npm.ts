/** Runs npm: the one that runs this script, in a Node.js of choice, without a shell, so that Windows can too. */
import { spawnSync } from "node:child_process";
import { delimiter, dirname } from "node:path";

export interface NpmOptions {
  readonly cwd: string;
  /** Path of the Node.js that npm and what it starts run in; this one where nothing is said. */
  readonly node?: string;
}

/** @returns what it prints on standard output. @throws when it fails, with what it printed on both. */
export function npm(words: readonly string[], { cwd, node = process.execPath }: NpmOptions): string {
  const cli = process.env.npm_execpath;
  if (cli === undefined) throw new Error("Start this with npm run, which says where npm is.");
  return run(node, [cli, ...words], { cwd, node });
}

/** @returns what it prints on standard output. @throws when it fails, with what it printed on both. */
export function run(program: string, words: readonly string[], options: NpmOptions): string {
  const { status, stdout, stderr } = outcome(program, words, options);
  if (status === 0) return stdout;
  throw new Error(`${[program, ...words].join(" ")} ended with ${status}:\n${stdout}${stderr}`);
}

export interface Outcome {
  /** Null where a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program with `node` as the first Node.js on its path. */
export function outcome(
  program: string,
  words: readonly string[],
  { cwd, node = process.execPath }: NpmOptions,
): Outcome {
  const { error, ...ended } = spawnSync(program, words, {
    cwd,
    env: environment(node),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 2 ** 20,
  });
  if (error) throw error;
  return ended;
}

/** Set by `npm run`, and would make npm, or a Node.js, look into the repository. npm's settings stay. */
const ofThisRun = /^(npm_(?!config_)|npm_config_local_prefix$|node_options$|init_cwd$)/i;

/** The environment that a program has which nobody started from the repository. */
export function environment(node: string): NodeJS.ProcessEnv {
  const { PATH = "", ...rest } = process.env;
  const clean = Object.entries(rest).filter(([name]) => !ofThisRun.test(name));
  const path = PATH.split(delimiter).filter((folder) => !folder.includes("node_modules"));
  return { ...Object.fromEntries(clean), PATH: [dirname(node), ...path].join(delimiter) };
}
