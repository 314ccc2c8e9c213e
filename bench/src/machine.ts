/** The facts without which no figure can be compared with another. */
import { loadavg, totalmem } from "node:os";
import { type CpuFeature, cpuFeatures, engineVersion } from "@cupel/runtime";

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly features: readonly CpuFeature[];
  /** Whether the processor multiplies bytes in one instruction: what INT8 speed rests on. */
  readonly int8Pays: "yes" | "no" | "unknown";
  readonly memoryBytes: number;
  readonly node: string;
  /** Version of onnxruntime-node. */
  readonly engine: string;
  /** Over the last minute, before the benchmark began: above the number of cores, others were at work. */
  readonly loadBefore: number;
}

export function machineFacts(): MachineFacts {
  const { model, cores, features, int8Pays } = cpuFeatures();
  return {
    cpu: model,
    cores,
    features,
    int8Pays,
    memoryBytes: totalmem(),
    node: process.version,
    engine: engineVersion(),
    loadBefore: loadavg()[0]!,
  };
}

export function machineText(facts: MachineFacts): string {
  const int8 = { yes: "VNNI or its like: yes", no: "VNNI or its like: no", unknown: "VNNI: not known" };
  return (
    `${facts.cpu}, ${facts.cores} cores, ${(facts.memoryBytes / 2 ** 30).toFixed(0)} GiB; ` +
    `${facts.features.join(" ")} (${int8[facts.int8Pays]})\n` +
    `Node ${facts.node}, onnxruntime-node ${facts.engine}, load average ${facts.loadBefore.toFixed(2)}`
  );
}
