/**
 * Child processes. `spawn`, `exec`, `execFile`, `fork` and `cluster` all end in `ChildProcess.prototype.spawn`; the three
 * synchronous functions and `process.execve` have ways of their own.
 */
import childProcess, { ChildProcess } from "node:child_process";
import type { Doer } from "./attribution.ts";
import type { Inheritance } from "./inheritance.ts";
import { append, assign, create, indexOf, isArray, reflect, slice } from "./primordials.ts";
import type { Tracer } from "./tracer.ts";

type Method = (this: unknown, ...given: unknown[]) => unknown;

/** Where the options of each are; a list of arguments before them may be left out. */
const synchronous = { spawnSync: 2, execFileSync: 2, execSync: 1 } as const;

export function traceChildren(tracer: Tracer, inheritance: Inheritance): void {
  traceSpawn(ChildProcess.prototype, tracer, inheritance);
  for (const name of ["spawnSync", "execFileSync", "execSync"] as const) {
    const original = childProcess[name] as Method;
    const traced: Method = {
      [name](this: unknown, ...given: unknown[]) {
        const doer = tracer.doerOf(true, traced);
        const at = synchronous[name] === 1 ? 1 : optionsAt(given);
        const options = given[at];
        // What is no set of options is refused by the function itself.
        if (options !== undefined && !isObject(options)) return reflect.apply(original, this, given);
        const own: { env?: unknown } = assign(create(prototypeOf(options)), options);
        if (own.env !== undefined && own.env !== null && !isObject(own.env)) {
          return reflect.apply(original, this, given);
        }
        const env = inheritance.forChild((own.env ?? process.env) as NodeJS.ProcessEnv, doer);
        own.env = env;
        inheritance.record(env, doer, wordsOf(given), null);
        while (given.length <= at) append(given, undefined);
        given[at] = own;
        return reflect.apply(original, this, given);
      },
    }[name]!;
    replace(childProcess, name, original, traced);
  }
  traceExecve(tracer, inheritance);
}

interface SpawnOptions {
  readonly file?: unknown;
  readonly args?: unknown;
  readonly envPairs?: unknown;
}

function traceSpawn(prototype: object, tracer: Tracer, inheritance: Inheritance): void {
  const original = reflect.get(prototype, "spawn") as Method;
  const traced: Method = {
    spawn(this: unknown, options: unknown, ...more: unknown[]) {
      if (!isObject(options)) return reflect.apply(original, this, [options, ...more]);
      const { file, args, envPairs }: SpawnOptions = options;
      const doer = tracer.doerOf(true, traced);
      const env = inheritance.forChild(environmentOf(envPairs), doer);
      const pairs: string[] = [];
      const names = reflect.ownKeys(env);
      for (let i = 0; i < names.length; i++)
        append(pairs, `${String(names[i])}=${reflect.get(env, names[i]!)}`);
      const given = assign(create(prototypeOf(options)), options, { envPairs: pairs });
      const result = reflect.apply(original, this, [given, ...more]);
      inheritance.record(env, doer, isArray(args) ? texts(args) : texts([file]), pidOf(this));
      return result;
    },
  }.spawn;
  replace(prototype, "spawn", original, traced);
}

function traceExecve(tracer: Tracer, inheritance: Inheritance): void {
  const original: unknown = reflect.get(process, "execve");
  if (typeof original !== "function") return;
  const traced: Method = {
    execve(this: unknown, ...given: unknown[]) {
      const [file, args, env = process.env] = given;
      if (!isObject(env)) return reflect.apply(original as Method, this, given);
      const doer: Doer = tracer.doerOf(true, traced);
      const its = inheritance.forChild(env as NodeJS.ProcessEnv, doer);
      inheritance.record(its, doer, isArray(args) ? texts(args) : texts([file]), process.pid);
      return reflect.apply(original as Method, this, [file, args, its]);
    },
  }.execve;
  replace(process, "execve", original as Method, traced);
}

/** As the functions themselves tell arguments from options. */
function optionsAt([, args]: readonly unknown[]): number {
  return isArray(args) || !isObject(args) ? 2 : 1;
}

function wordsOf([file, args]: readonly unknown[]): string[] {
  return isArray(args) ? texts([file, ...args]) : texts([file]);
}

function texts(words: readonly unknown[]): string[] {
  const found: string[] = [];
  for (let i = 0; i < words.length; i++) append(found, `${words[i]}`);
  return found;
}

function environmentOf(pairs: unknown): Record<string, string> {
  const env: Record<string, string> = create(null);
  if (!isArray(pairs)) return env;
  for (let i = 0; i < pairs.length; i++) {
    const pair = `${pairs[i]}`;
    // On Windows names such as "=C:" begin with it.
    const equals = indexOf(slice(pair, 1), "=") + 1;
    if (equals > 0) reflect.set(env, slice(pair, 0, equals), slice(pair, equals + 1));
  }
  return env;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function prototypeOf(value: unknown): object | null {
  return isObject(value) ? reflect.getPrototypeOf(value) : Object.prototype;
}

function pidOf(child: unknown): number | null {
  const pid: unknown = isObject(child) ? reflect.get(child, "pid") : undefined;
  return typeof pid === "number" ? pid : null;
}

/** In its place, with its properties. */
function replace(holder: object, name: string, original: Method, traced: Method): void {
  reflect.defineProperty(traced, "length", { value: original.length, configurable: true });
  const property = reflect.getOwnPropertyDescriptor(holder, name);
  reflect.defineProperty(holder, name, { ...property, value: traced });
}
