/**
 * Child processes. Whatever starts one, by `node:child_process`, `cluster` or past them by `process.binding`, ends in two
 * native functions; they are reached without loading a module that a program may never need. `process.execve` has a way of
 * its own.
 */
import type { Doer } from "./attribution.ts";
import { type Environment, environmentOfPairs, type Inheritance } from "./inheritance.ts";
import { append, create, define, hasOwn, isArray, reflect } from "./primordials.ts";
import { isObject, type Method, replaceMethod } from "./replaced-method.ts";
import type { Tracer } from "./tracer.ts";

export function traceChildren(tracer: Tracer, inheritance: Inheritance): void {
  const asynchronous = nativeSpawn("process_wrap");
  const synchronous = nativeSpawn("spawn_sync");
  if (asynchronous !== null && synchronous !== null) {
    traceSpawn(asynchronous, tracer, inheritance, pidOf);
    traceSpawn(synchronous, tracer, inheritance, null);
  } else tracePublic(tracer, inheritance);
  traceExecve(tracer, inheritance);
}

/** @returns what has the native `spawn`; null where Node.js keeps it from everyone, as it does under `--permission` */
function nativeSpawn(name: "process_wrap" | "spawn_sync"): object | null {
  // The program's own first use is what should be warned of. It is there already where nothing is.
  const isPut = !hasOwn(process, "noDeprecation");
  if (isPut) process.noDeprecation = true;
  try {
    const binding = (
      process as typeof process & { binding(name: string): { Process?: { prototype: object } } }
    ).binding(name);
    return binding.Process?.prototype ?? binding;
  } catch {
    return null;
  } finally {
    if (isPut) reflect.deleteProperty(process, "noDeprecation");
  }
}

interface Start {
  readonly file: unknown;
  readonly args: unknown;
  readonly envPairs: unknown;
  /** What the native function is to be given, with this in the place of `envPairs`. */
  with(pairs: readonly string[]): unknown[];
}

/**
 * The native functions are given one object; the asynchronous one of newer versions has eight arguments. Each is read once,
 * and then no getter and no prototype can say another thing to Node.js. null: neither, as in a version that is yet to come.
 */
function startFrom(given: unknown[]): Start | null {
  const first = given[0];
  if (isObject(first)) {
    const own: { file?: unknown; args?: unknown; envPairs?: unknown } = create(null);
    for (const name in first) define(own, name, reflect.get(first, name));
    return {
      file: own.file,
      args: own.args,
      envPairs: own.envPairs,
      with(pairs) {
        define(own, "envPairs", pairs);
        return [own];
      },
    };
  }
  if (typeof first !== "string" || !isArray(given[4])) return null;
  return {
    file: first,
    args: given[1],
    envPairs: given[3],
    with(pairs) {
      define(given, 3, pairs);
      return given;
    },
  };
}

/** @param pidOf of the handle, which is started at once; null: the function waits for the end of the child */
function traceSpawn(
  holder: object,
  tracer: Tracer,
  inheritance: Inheritance,
  pidOf: ((handle: unknown) => number | null) | null,
): void {
  const original = reflect.get(holder, "spawn") as Method;
  const traced: Method = {
    spawn(this: unknown, ...given: unknown[]) {
      const start = startFrom(given);
      const doer = tracer.doerOf(true, traced);
      if (start === null) {
        const mayHaveAll = !tracer.isEnforced || tracer.rightsOf(doer).isAllForChildren;
        return mayHaveAll ? reflect.apply(original, this, given) : tracer.refuse("of a child", doer.owner);
      }
      const { file, args, envPairs } = start;
      const env = inheritance.forChild(isArray(envPairs) ? environmentOfPairs(envPairs) : tracer.real, doer);
      const pairs: string[] = [];
      for (const name in env) append(pairs, `${name}=${env[name]}`);
      const command = isArray(args) ? texts(args) : texts([file]);
      if (pidOf === null) inheritance.record(env, doer, command, null);
      const result = reflect.apply(original, this, start.with(pairs));
      if (pidOf !== null) inheritance.record(env, doer, command, pidOf(this));
      return result;
    },
  }.spawn;
  replaceMethod(holder, "spawn", original, traced);
}

/** Under `--permission` what is left is the handle of a child, and the environment that the others are told. */
function tracePublic(tracer: Tracer, inheritance: Inheritance): void {
  const childProcess = process.getBuiltinModule("node:child_process");
  const { _handle: handle } = new childProcess.ChildProcess() as unknown as { readonly _handle: object };
  traceSpawn(reflect.getPrototypeOf(handle)!, tracer, inheritance, pidOf);
  for (const name of ["spawnSync", "execFileSync", "execSync"] as const) {
    const original = childProcess[name] as Method;
    const traced: Method = {
      [name](this: unknown, ...given: unknown[]) {
        // As the functions tell a list of arguments, which may be left out, from options.
        const at = name === "execSync" || !(isArray(given[1]) || !isObject(given[1])) ? 1 : 2;
        const options = given[at] ?? {};
        // What is no set of options is refused by the function itself.
        if (!isObject(options)) return reflect.apply(original, this, given);
        const own: { env?: unknown } = { __proto__: reflect.getPrototypeOf(options), ...options } as object;
        const wanted: unknown = own.env ?? process.env;
        if (!isObject(wanted)) return reflect.apply(original, this, given);
        const doer = tracer.doerOf(true, traced);
        const set = create(null);
        for (const key in wanted) {
          const value: unknown = reflect.get(wanted, key);
          if (value !== undefined) define(set, key, value);
        }
        const env = inheritance.forChild(set, doer);
        inheritance.record(env, doer, texts(isArray(given[1]) ? [given[0], ...given[1]] : [given[0]]), null);
        define(own, "env", env);
        while (given.length <= at) append(given, undefined);
        define(given, at, own);
        return reflect.apply(original, this, given);
      },
    }[name]!;
    replaceMethod(childProcess, name, original, traced);
  }
}

function traceExecve(tracer: Tracer, inheritance: Inheritance): void {
  const original: unknown = reflect.get(process, "execve");
  if (typeof original !== "function") return;
  const traced: Method = {
    execve(this: unknown, file: unknown, args: unknown, env: unknown = process.env) {
      if (!isObject(env)) return reflect.apply(original as Method, this, [file, args, env]);
      const doer: Doer = tracer.doerOf(true, traced);
      const its: Environment = inheritance.forChild(env, doer);
      inheritance.record(its, doer, isArray(args) ? texts(args) : texts([file]), process.pid);
      return reflect.apply(original as Method, this, [file, args, its]);
    },
  }.execve as Method;
  replaceMethod(process, "execve", original as Method, traced);
}

function texts(words: readonly unknown[]): string[] {
  const found: string[] = [];
  for (let i = 0; i < words.length; i++) append(found, `${words[i]}`);
  return found;
}

function pidOf(child: unknown): number | null {
  const pid: unknown = isObject(child) ? reflect.get(child, "pid") : undefined;
  return typeof pid === "number" ? pid : null;
}
