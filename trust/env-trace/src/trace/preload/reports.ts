/** `process.report`: the environment is taken out of every report, and who asked for one is written down. */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { reflect, toJson } from "./primordials.ts";
import { type Method, replaceMethod } from "./replaced-method.ts";
import type { Tracer } from "./tracer.ts";

const parseJson = JSON.parse;

export function traceReports(tracer: Tracer): void {
  const { report } = process;
  if (report === undefined) return;
  // From Node.js 22.13 on Node.js itself leaves it out, also from what it writes at a crash; a program cannot turn it on.
  const canExclude = reflect.has(report, "excludeEnv");
  if (canExclude) {
    reflect.set(report, "excludeEnv", true);
    reflect.defineProperty(report, "excludeEnv", { get: () => true, set: () => {}, enumerable: true });
  }
  const getReport = reflect.get(report, "getReport") as Method;
  const writeReport = reflect.get(report, "writeReport") as Method;
  const record = (below: (...given: never[]) => unknown) =>
    tracer.recorder.record({ kind: "report", key: null, doer: tracer.doerOf(true, below), denied: false });
  const traced = {
    getReport(this: unknown, ...given: unknown[]) {
      record(traced.getReport);
      const found = reflect.apply(getReport, this, given);
      if (typeof found === "object" && found !== null) reflect.deleteProperty(found, "environmentVariables");
      return found;
    },
    writeReport(this: unknown, ...given: unknown[]) {
      record(traced.writeReport);
      const name = reflect.apply(writeReport, this, given);
      if (!canExclude && typeof name === "string")
        removeFrom(resolve(report.directory || process.cwd(), name));
      return name;
    },
  };
  replaceMethod(report, "getReport", getReport, traced.getReport);
  replaceMethod(report, "writeReport", writeReport, traced.writeReport);
}

/** Of what an older Node.js wrote. */
function removeFrom(file: string): void {
  try {
    const report: object = parseJson(readFileSync(file, "utf8"));
    reflect.deleteProperty(report, "environmentVariables");
    writeFileSync(file, toJson(report));
  } catch {
    // Written to a stream, or gone already.
  }
}
