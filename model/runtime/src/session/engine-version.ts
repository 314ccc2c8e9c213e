/** Which engine executes: reports carry it, because fusions and rounding differ between versions. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** The version of onnxruntime-node, such as "1.30.0". The engine itself is not loaded. */
export function engineVersion(): string {
  const manifest = createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
  const parsed: { version: string } = JSON.parse(readFileSync(manifest, "utf8"));
  return parsed.version;
}
