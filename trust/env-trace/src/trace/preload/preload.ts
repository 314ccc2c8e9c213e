/**
 * What a traced process runs before its program: `node --require FILE`, by NODE_OPTIONS. FILE is made of this and all it
 * imports by `preload-script.ts`: CommonJS, because that is what every thread and every Node.js from 20 on runs first, and
 * one file. It hooks no loader of modules, and takes the trace of itself out of the environment.
 */
import { isMainThread } from "node:worker_threads";
import { listedNames } from "../../policy/listed-names.ts";
import type { TraceSettings } from "../trace-settings.ts";
import { createAttribution } from "./attribution.ts";
import { traceChildren } from "./children.ts";
import { traceCloning } from "./cloning.ts";
import { type CodeOwner, createOwners, isTool, program } from "./code-owner.ts";
import { traceEnvFiles } from "./env-files.ts";
import { traceEnvironment } from "./environment.ts";
import { createInheritance, starterVariable, withoutOption } from "./inheritance.ts";
import { createKnownValues } from "./masking.ts";
import { createRecorder } from "./recorder.ts";
import { traceReports } from "./reports.ts";
import { starterOfThread, traceThreads } from "./threads.ts";
import { createTracer } from "./tracer.ts";

/** @param self the path of the preload itself, as call sites name it */
export function startTrace(settings: TraceSettings, self: string): void {
  const real = process.env;
  const ownerOf = createOwners(settings.root);
  const starter = starterOfProcess(real, ownerOf);
  const options = withoutOption(settings.option, real.NODE_OPTIONS);
  if (options === undefined) delete real.NODE_OPTIONS;
  else real.NODE_OPTIONS = options;

  const isTagged = listedNames(settings.tagged, true);
  const values = createKnownValues(real, isTagged, isMainThread);
  const recorder = createRecorder(settings.folder, values.masked);
  const attribute = createAttribution({ self, ownerOf, starter });
  const tracer = createTracer({ settings, real, isTagged, values, attribute, recorder });
  const proxy = traceEnvironment(tracer);
  const inheritance = createInheritance(tracer, proxy, settings);
  process.env = proxy;
  traceCloning(proxy);
  traceChildren(tracer, inheritance);
  traceThreads(tracer, inheritance, settings);
  traceReports(tracer);
  traceEnvFiles(tracer);
}

/** Whose text runs where it has no file. Of what a package manager starts, the package whose script it runs. */
function starterOfProcess(real: NodeJS.ProcessEnv, ownerOf: (file: string) => CodeOwner | null): CodeOwner {
  const name = isMainThread ? real[starterVariable] : starterOfThread();
  delete real[starterVariable];
  if (name === undefined || name === null || name === program.package) return program;
  const ofScript =
    isTool(name) && real.npm_package_json !== undefined ? ownerOf(real.npm_package_json) : null;
  return ofScript ?? { package: name, class: "package" };
}
