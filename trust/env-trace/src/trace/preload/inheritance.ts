/**
 * What a child gets: what its starter may hand on, and what makes it a traced process again. Names of tagged variables that
 * it gets are written down, with the command as far as it can be shown.
 */
import type { TraceSettings } from "../trace-settings.ts";
import type { Doer } from "./attribution.ts";
import { shownCommand } from "./masking.ts";
import { append, create, indexOf, keysOf, reflect, slice, startsWith } from "./primordials.ts";
import type { Tracer } from "./tracer.ts";

/** Tells a traced child whose text it runs where it has no file. The preload removes it. */
export const starterVariable = "CUPEL_ENV_TRACE_STARTER";
const optionsVariable = "NODE_OPTIONS";

/** Without a prototype. */
export type Environment = Record<string, string>;

export interface Inheritance {
  /** @returns a new environment for a child of `doer`, of the names that `given` has itself */
  forChild(given: object, doer: Doer): Environment;
  /** Writes down what a child gets. */
  record(env: object, doer: Doer, command: readonly string[], child: number | null): void;
}

/** @param proxy what the program has for the environment: of it the real one is handed on, which is no reading */
export function createInheritance(tracer: Tracer, proxy: object, { option }: TraceSettings): Inheritance {
  const { keyOf } = tracer;
  return {
    forChild(given, doer) {
      const env: Environment = create(null);
      const { children } = tracer.rightsOf(doer);
      const source = given === proxy ? tracer.real : given;
      const names = keysOf(source);
      let options: string | undefined;
      for (let i = 0; i < names.length; i++) {
        const name = names[i]!;
        const value = `${reflect.get(source, name)}`;
        const key = keyOf(name);
        if (key === starterVariable) continue;
        const isListed = children(name);
        if (!isListed) tracer.warn("handing on", name, doer);
        if (!isListed && tracer.isEnforced) continue;
        if (key === optionsVariable) options = value;
        else reflect.set(env, name, value);
      }
      reflect.set(env, optionsVariable, withOption(option, options));
      reflect.set(env, starterVariable, doer.owner.package);
      return env;
    },
    record(env, doer, command, child) {
      const tagged: string[] = [];
      const values: string[] = [];
      const names = keysOf(env);
      for (let i = 0; i < names.length; i++) {
        if (!tracer.isTagged(names[i]!)) continue;
        append(tagged, names[i]!);
        append(values, `${reflect.get(env, names[i]!)}`);
      }
      const shown = shownCommand(command, values, tracer.isTagged);
      const sight = { kind: "inherit", doer, denied: false, command: shown, child } as const;
      for (let i = 0; i < tagged.length; i++) tracer.recorder.record({ ...sight, key: tagged[i]! });
      if (tagged.length === 0) tracer.recorder.record({ ...sight, key: null });
    },
  };
}

/** @param pairs "NAME=VALUE" each, as the native functions are given them */
export function environmentOfPairs(pairs: readonly unknown[]): Environment {
  const env: Environment = create(null);
  for (let i = 0; i < pairs.length; i++) {
    const pair = `${pairs[i]}`;
    // On Windows names such as "=C:" begin with it.
    const equals = indexOf(slice(pair, 1), "=") + 1;
    if (equals > 0) reflect.set(env, slice(pair, 0, equals), slice(pair, equals + 1));
  }
  return env;
}

export function withOption(option: string, given: string | undefined): string {
  return given === undefined ? option : `${option} ${given}`;
}

/** What the program itself had, undefined where it had none. */
export function withoutOption(option: string, given: string | undefined): string | undefined {
  if (given === undefined || given === option) return undefined;
  return startsWith(given, `${option} `) ? slice(given, option.length + 1) : given;
}
