/** The machine and the versions behind the figures: without them nobody can repeat a measurement. */
import { readFileSync } from "node:fs";
import { type CpuFeatures, engineVersion } from "@cupel/runtime";
import type { ReportEnvironment } from "./report-schema.ts";

export function reportEnvironment(cpu: CpuFeatures): ReportEnvironment {
  return {
    cupel: packageVersion(),
    node: process.versions.node,
    engine: `onnxruntime-node ${engineVersion()}`,
    cpu: cpu.model,
    cores: cpu.cores,
    features: cpu.features,
  };
}

function packageVersion(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const parsed: { version: string } = JSON.parse(manifest);
  return parsed.version;
}
