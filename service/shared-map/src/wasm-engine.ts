/**
 * WebAssembly as far as the map needs it. Its types are the browser's, which this program is not compiled
 * with; and where Node.js runs with --jitless there is none.
 */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
}

/** Compiled code. */
export type WasmModule = object;

interface WasmEngine {
  readonly Memory: new (options: {
    initial: number;
    maximum: number;
    shared: true /* pages of 64 KiB */;
  }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array, options: { builtins: string[] }) => WasmModule;
  readonly Instance: new (module: WasmModule, imports: object) => { readonly exports: object };
}

export const wasmEngine: WasmEngine | undefined = (globalThis as { WebAssembly?: WasmEngine }).WebAssembly;

export function isWasmMemory(given: unknown): given is WasmMemory {
  return wasmEngine !== undefined && given instanceof wasmEngine.Memory;
}

export function isWasmModule(given: unknown): given is WasmModule {
  return wasmEngine !== undefined && given instanceof wasmEngine.Module;
}
