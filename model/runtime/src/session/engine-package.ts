/**
 * Where the engine comes from. A published @cupel/runtime brings it in one small package for each system and
 * processor, cut from onnxruntime-node when Cupel is released (tools/release/cut-engine.ts): the same files,
 * without those of other systems and without an install script. In the repository, where those packages do
 * not exist, it is onnxruntime-node itself. Both have the same face.
 */
import { createRequire } from "node:module";
import { runtimeErrors } from "../errors.ts";
// Before any thread loads the engine.
import "./engine-telemetry.ts";

type Engine = typeof import("onnxruntime-node");

export interface EnginePackage {
  readonly name: string;
  /** Path of its package.json. */
  readonly manifest: string;
}

const require = createRequire(import.meta.url);

/** In the order in which they are looked for. */
const candidates = [`@cupel/engine-${process.platform}-${process.arch}`, "onnxruntime-node"];

/** The package that brings the engine; the engine is not loaded. @throws ENGINE_MISSING */
export function enginePackage(): EnginePackage {
  for (const name of candidates) {
    const manifest = resolved(`${name}/package.json`);
    if (manifest !== null) return { name, manifest };
  }
  throw runtimeErrors.error(
    "ENGINE_MISSING",
    `There is no engine for ${process.platform} on ${process.arch}: neither ${candidates.join(" nor ")} is ` +
      "installed. Install again with optional dependencies, or add onnxruntime-node where it supports this system.",
    { details: { platform: process.platform, arch: process.arch, packages: candidates } },
  );
}

/** Loads the engine into this process, once. @throws ENGINE_MISSING */
export function loadEngine(): Engine {
  return require(enginePackage().name);
}

/** The file of `request`, or null where there is none. */
function resolved(request: string): string | null {
  try {
    return require.resolve(request);
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "MODULE_NOT_FOUND") return null;
    throw thrown;
  }
}
