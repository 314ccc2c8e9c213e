/**
 * Worker threads. One that is given `env` or `execArgv` reads its options anew, from its environment: there the preload is
 * put in. All others have it from this process. What a thread runs that has no file is its starter's.
 */
import workerThreads, {
  getEnvironmentData,
  SHARE_ENV,
  setEnvironmentData,
  Worker,
} from "node:worker_threads";
import type { TraceSettings } from "../trace-settings.ts";
import type { Doer } from "./attribution.ts";
import { type Environment, type Inheritance, starterVariable, withOption } from "./inheritance.ts";
import { define, hasOwn, reflect } from "./primordials.ts";
import { isObject } from "./replaced-method.ts";
import type { Tracer } from "./tracer.ts";

interface ThreadOptions {
  readonly env?: unknown;
  readonly execArgv?: unknown;
  readonly eval?: unknown;
}

/** @returns the name that the thread which started this one left, and takes it away */
export function starterOfThread(): string | null {
  const name: unknown = getEnvironmentData(starterVariable);
  if (typeof name !== "string") return null;
  setEnvironmentData(starterVariable, undefined as never);
  return name;
}

export function traceThreads(tracer: Tracer, inheritance: Inheritance, { option }: TraceSettings): void {
  const { real } = tracer;
  const traced = new Proxy(Worker, {
    construct: function construct(target, given: unknown[], newTarget) {
      const file = given[0];
      const options = given[1];
      if (options === null) return reflect.construct(target, given, newTarget);
      const doer = tracer.doerOf(true, construct);
      // Each is read once: then no getter and no prototype can say another thing to Node.js.
      const own: ThreadOptions = {
        __proto__: prototypeOf(options),
        ...(options as object | undefined),
      } as object;
      const { env: wanted, execArgv, eval: isText } = own;
      const env = environmentFor(wanted, execArgv !== undefined, doer);
      define(own, "env", env ?? wanted);
      define(own, "execArgv", execArgv);
      define(own, "eval", isText);
      inheritance.record(env ?? real, doer, ["worker", isText ? "[eval]" : `${file}`], null);
      if (wanted === SHARE_ENV) tracer.values.neverKeep();
      setEnvironmentData(starterVariable, doer.owner.package);
      // Of one that shares the environment and reads its options anew.
      const isPut = env === null && wanted === SHARE_ENV && execArgv !== undefined;
      const before = isPut && hasOwn(real, "NODE_OPTIONS") ? real.NODE_OPTIONS : undefined;
      if (isPut) real.NODE_OPTIONS = withOption(option, before);
      try {
        return reflect.construct(target, [file, own], newTarget);
      } finally {
        setEnvironmentData(starterVariable, undefined as never);
        if (isPut && before === undefined) delete real.NODE_OPTIONS;
        else if (isPut) real.NODE_OPTIONS = before;
      }
    },
  });
  reflect.set(workerThreads, "Worker", traced);
  reflect.set(Worker.prototype, "constructor", traced);

  /** null: what Node.js would do of itself. */
  function environmentFor(wanted: unknown, isAnew: boolean, doer: Doer): Environment | null {
    const isShared = wanted === SHARE_ENV;
    const isOwn = isShared || wanted === undefined || wanted === null;
    if (!isOwn) return isObject(wanted) ? inheritance.forChild(wanted, doer) : null;
    const mayHaveAll = !tracer.isEnforced || tracer.rightsOf(doer).isAllForChildren;
    return mayHaveAll && (isShared || !isAnew) ? null : inheritance.forChild(real, doer);
  }
}

function prototypeOf(value: unknown): object | null {
  return isObject(value) ? reflect.getPrototypeOf(value) : Object.prototype;
}
