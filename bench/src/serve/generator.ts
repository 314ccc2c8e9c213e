/**
 * The load generator, in a process of its own so that it can have a core of its own: plans on standard input, one a line
 * as JSON, a report a line on standard output.
 */
import { createInterface } from "node:readline";
import type { GeneratorPlan, GeneratorReport } from "./generator-process.ts";
import { load } from "./load.ts";
import { inferRequests } from "./requests.ts";

for await (const line of createInterface({ input: process.stdin })) {
  const { request, ...plan }: GeneratorPlan = JSON.parse(line);
  const report = await load({ ...plan, requests: inferRequests(request) });
  const sorted = Float64Array.from(report.latencies).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const { latencies: _, ...rest } = report;
  const told: GeneratorReport = { ...rest, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999) };
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
