/** Which engine executes: reports carry it, because fusions and rounding differ between versions. */
import { readFileSync } from "node:fs";
import { enginePackage } from "./engine-package.ts";

/** The version of onnxruntime-node, such as "1.30.0". The engine itself is not loaded. */
export function engineVersion(): string {
  const parsed: { version: string } = JSON.parse(readFileSync(enginePackage().manifest, "utf8"));
  return parsed.version;
}
