/**
 * What a child gets: what its starter may hand on, and what makes it a traced process again. Names of tagged variables that
 * it gets are written down, with the command as far as it can be shown.
 */
import type { TraceSettings } from "../trace-settings.ts";
import type { Doer } from "./attribution.ts";
import { shownCommand } from "./masking.ts";
import { append, create, reflect, slice, startsWith } from "./primordials.ts";
import type { Tracer } from "./tracer.ts";

/** Tells a traced child whose text it runs where it has no file. The preload removes it. */
export const starterVariable = "CUPEL_ENV_TRACE_STARTER";

export interface Inheritance {
  /** @returns a new environment for a child of `doer`, without a prototype */
  forChild(given: Readonly<NodeJS.ProcessEnv>, doer: Doer): Record<string, string>;
  /** Writes down what a child gets. */
  record(
    env: Readonly<NodeJS.ProcessEnv>,
    doer: Doer,
    command: readonly string[],
    child: number | null,
  ): void;
}

/** @param proxy what the program has for the environment: of it the real one is handed on, which is no reading */
export function createInheritance(tracer: Tracer, proxy: object, { option }: TraceSettings): Inheritance {
  return {
    forChild(given, doer) {
      const env: Record<string, string> = create(null);
      const { children } = tracer.rightsOf(doer);
      const source = given === proxy ? tracer.real : given;
      const names = namesIn(source);
      for (let i = 0; i < names.length; i++) {
        const name = names[i]!;
        const value: unknown = reflect.get(source, name);
        if (value === undefined) continue;
        const isListed = children(name);
        if (!isListed) tracer.warn("handing on", name, doer);
        if (isListed || !tracer.isEnforced) reflect.set(env, name, value);
      }
      reflect.set(env, "NODE_OPTIONS", withOption(option, optionsIn(env)));
      reflect.set(env, starterVariable, doer.owner.package);
      return env;
    },
    record(env, doer, command, child) {
      const tagged: string[] = [];
      const values: string[] = [];
      const names = namesIn(env);
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

/** As Node.js takes them: all that are enumerable, those of prototypes too. */
function namesIn(env: object): string[] {
  const names: string[] = [];
  for (const name in env) append(names, name);
  return names;
}

/** On Windows it may be written in other letters. */
function optionsIn(env: NodeJS.ProcessEnv): string | undefined {
  const value: unknown = reflect.get(env, "NODE_OPTIONS");
  return value === undefined ? undefined : `${value}`;
}

export function withOption(option: string, given: string | undefined): string {
  return given === undefined ? option : `${option} ${given}`;
}

/** What the program itself had, undefined where it had none. */
export function withoutOption(option: string, given: string | undefined): string | undefined {
  if (given === undefined || given === option) return undefined;
  return startsWith(given, `${option} `) ? slice(given, option.length + 1) : given;
}
