/** `process.loadEnvFile` writes past every Proxy: names that are there afterwards, and were not, are what it wrote. */

import { reflect } from "./primordials.ts";
import { type Method, replaceMethod } from "./replaced-method.ts";
import type { Tracer } from "./tracer.ts";

export function traceEnvFiles(tracer: Tracer): void {
  const original: unknown = reflect.get(process, "loadEnvFile");
  if (typeof original !== "function") return;
  const { real, recorder, isEnforced } = tracer;
  const traced: Method = {
    loadEnvFile(this: unknown, ...given: unknown[]) {
      const doer = tracer.doerOf(true, traced);
      const before = { __proto__: null, ...real };
      const result = reflect.apply(original as Method, this, given);
      tracer.values.forget();
      const names = reflect.ownKeys(real);
      const { write } = tracer.rightsOf(doer);
      for (let i = 0; i < names.length; i++) {
        const key = names[i]!;
        if (typeof key === "symbol" || reflect.get(before, key) === reflect.get(real, key)) continue;
        const isListed = write(key);
        const denied = isEnforced && !isListed;
        recorder.record({ kind: "load-file", key, doer, denied });
        if (!isListed) tracer.warn("loading", key, doer);
        // It sets no name that is set already.
        if (denied) reflect.deleteProperty(real, key);
      }
      return result;
    },
  }.loadEnvFile;
  replaceMethod(process, "loadEnvFile", original as Method, traced);
}
