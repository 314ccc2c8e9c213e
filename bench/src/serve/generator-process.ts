/** The load generator as its owner has it: a plan goes in, a report comes out. */

import { type LineProcess, startLineProcess } from "./line-process.ts";
import type { LoadPlan, LoadReport } from "./load.ts";
import type { RequestForm } from "./requests.ts";

export interface GeneratorPlan extends Omit<LoadPlan, "requests"> {
  readonly request: RequestForm;
}

/** Latencies in ms. */
export interface GeneratorReport extends Omit<LoadReport, "latencies"> {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
}

export interface Generator extends AsyncDisposable {
  run(plan: GeneratorPlan): Promise<GeneratorReport>;
}

/** @param cpus as `taskset` takes them; null for all */
export function startGenerator(cpus: string | null): Generator {
  const child: LineProcess = startLineProcess(
    process.execPath,
    [new URL("generator.ts", import.meta.url).pathname],
    { cpus },
  );
  return {
    async run(plan) {
      child.write(JSON.stringify(plan));
      const report: GeneratorReport = JSON.parse(await child.line());
      return report;
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
