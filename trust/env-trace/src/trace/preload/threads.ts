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
import { type Inheritance, starterVariable, withOption } from "./inheritance.ts";
import { assign, create, reflect } from "./primordials.ts";
import type { Tracer } from "./tracer.ts";

interface ThreadOptions {
  env?: unknown;
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
      const [file, options] = given;
      const doer = tracer.doerOf(true, construct);
      const own = assign(create(prototypeOf(options)), options ?? {}) as ThreadOptions;
      const env = environmentFor(own.env, doer);
      if (env !== null) own.env = env;
      inheritance.record(
        (env ?? real) as NodeJS.ProcessEnv,
        doer,
        ["worker", own.eval === true ? "[eval]" : `${file}`],
        null,
      );
      setEnvironmentData(starterVariable, doer.owner.package);
      const before = real.NODE_OPTIONS;
      const isPut = env === null && own.execArgv !== undefined;
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
  function environmentFor(given: unknown, doer: Doer): object | null {
    const isOwn = given === undefined || given === null || given === SHARE_ENV;
    if (!isOwn && typeof given !== "object") return null;
    const isWhole = isOwn && (!tracer.isEnforced || tracer.rightsOf(doer).isAllForChildren);
    return isWhole ? null : inheritance.forChild((isOwn ? real : given) as NodeJS.ProcessEnv, doer);
  }
}

function prototypeOf(value: unknown): object | null {
  return typeof value === "object" && value !== null ? reflect.getPrototypeOf(value) : Object.prototype;
}
