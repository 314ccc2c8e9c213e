/** What one thread gives another so that both have the same map: plain data that `postMessage` and `workerData` take. */

import { collectGarbage } from "@cupel/base";
import { MAGIC, PAGE_BYTES, VERSION } from "./core/layout.ts";
import { type Core, coreModule, typescriptCore, wasmCore } from "./core-instance.ts";
import { sharedMapErrors } from "./errors.ts";
import { type Geometry, layoutVersion, magic, memoryBytes, writeHeader } from "./geometry.ts";
import type { MapSettings } from "./options.ts";
import { isWasmMemory, isWasmModule, type WasmMemory, type WasmModule, wasmEngine } from "./wasm-engine.ts";

export interface SharedMapHandle {
  readonly kind: "cupel.shared-map";
  /** Of the memory's layout. */
  readonly version: number;
  /** A plain SharedArrayBuffer where WebAssembly is switched off. */
  readonly memory: WasmMemory | SharedArrayBuffer;
  /** The compiled core, so that threads need not compile it again. */
  readonly module: WasmModule | null;
  readonly settings: MapSettings;
}

export function createHandle(settings: MapSettings, geometry: Geometry, useWasm: boolean): SharedMapHandle {
  const bytes = memoryBytes(geometry);
  const pages = bytes / PAGE_BYTES;
  const handle = { kind: "cupel.shared-map", version: layoutVersion, settings } as const;
  // All of it at once: the system gives a page when it is first touched. A memory that grew would be longer in
  // the thread that had it grow, and only a moment later in the others.
  const reserve = () =>
    useWasm
      ? new wasmEngine!.Memory({ initial: pages, maximum: pages, shared: true })
      : new SharedArrayBuffer(bytes);
  const memory = reserveTwice(reserve, bytes);
  writeHeader(bufferOf(memory), geometry);
  return { ...handle, memory, module: useWasm ? coreModule() : null };
}

/**
 * The second time after what can be returned has been: the memory of maps that were closed or forgotten. It is returned
 * when it is collected, and the engine, which sees small objects only, is in no hurry.
 */
function reserveTwice<T>(reserve: () => T, bytes: number): T {
  try {
    return reserve();
  } catch {
    collectGarbage();
  }
  try {
    return reserve();
  } catch (cause) {
    throw sharedMapErrors.error(
      "MEMORY_UNAVAILABLE",
      `The system gives no ${bytes} bytes of shared memory. Close maps that are not used in any thread, or choose a smaller maxBytes or maxThreads; a limit on address space (ulimit -v) counts what is reserved, not what is touched.`,
      { cause, details: { bytes } },
    );
  }
}

export function bufferOf(memory: WasmMemory | SharedArrayBuffer): ArrayBufferLike {
  return memory instanceof SharedArrayBuffer ? memory : memory.buffer;
}

/** @throws HANDLE_FOREIGN, VERSION_MISMATCH */
export function checkHandle(given: unknown): SharedMapHandle {
  const handle = given as Partial<SharedMapHandle> | null | undefined;
  if (typeof handle !== "object" || handle === null || handle.kind !== "cupel.shared-map") {
    throw foreign("It is no such handle: pass what `map.handle` gave, through postMessage or workerData.");
  }
  if (handle.version !== layoutVersion) throw mismatch(handle.version);
  const { memory, module } = handle;
  const hasMemory = memory instanceof SharedArrayBuffer || isWasmMemory(memory);
  const hasModule = isWasmModule(module) || (module === null && memory instanceof SharedArrayBuffer);
  if (!hasMemory || !hasModule || typeof handle.settings !== "object") {
    throw foreign("Its memory is missing: it does not survive JSON, only postMessage and workerData.");
  }
  const buffer = bufferOf(memory);
  const words = buffer.byteLength < 64 ? null : new Int32Array(buffer, 0, 16);
  if (words?.[MAGIC >> 2] !== magic) throw foreign("Its memory is not that of a shared map.");
  if (words[VERSION >> 2] !== layoutVersion) throw mismatch(words[VERSION >> 2]);
  return handle as SharedMapHandle;
}

export function openCore({ memory, module }: SharedMapHandle): Core {
  if (memory instanceof SharedArrayBuffer) return typescriptCore(memory);
  return wasmCore(module ?? coreModule(), memory);
}

function foreign(why: string): Error {
  return sharedMapErrors.error("HANDLE_FOREIGN", `This cannot be attached. ${why}`);
}

function mismatch(version: number | undefined): Error {
  return sharedMapErrors.error(
    "VERSION_MISMATCH",
    `The map's memory has layout ${version}, this package reads layout ${layoutVersion}. Use one version of @cupel/shared-map in all threads.`,
    { details: { version, expected: layoutVersion } },
  );
}
