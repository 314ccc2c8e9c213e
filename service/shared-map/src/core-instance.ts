/** The core, bound to one memory: as WebAssembly, or as the TypeScript that it is compiled from. */
import * as core from "./core/core.ts";
import { useMemory } from "./core/machine.ts";
import { coreWasm } from "./gen/core-wasm.ts";
import { type TextKeys, textKeys } from "./text-keys.ts";
import { hasEnded } from "./thread-identity.ts";
import { type WasmMemory, type WasmModule, wasmEngine } from "./wasm-engine.ts";

type Numeric<F> = F extends (...parameters: infer P) => infer R
  ? (...parameters: { [I in keyof P]: number }) => R extends void ? void : number
  : never;

/** Every function takes and returns numbers; booleans are 0 and 1. */
export type Core = { readonly [Name in keyof typeof core]: Numeric<(typeof core)[Name]> } & TextKeys;

/** Compiled once in a process; threads get it with the handle. */
let compiled: WasmModule | null = null;

export function coreModule(): WasmModule {
  compiled ??= new wasmEngine!.Module(Buffer.from(coreWasm, "base64"), { builtins: ["js-string"] });
  return compiled;
}

/** For an engine without the builtins, where they are imports like others. */
const stringBuiltins = {
  length: (text: string) => text.length,
  charCodeAt: (text: string, index: number) => text.charCodeAt(index),
};

export function wasmCore(module: WasmModule, memory: WasmMemory): Core {
  const env = { memory, abort: () => {}, hasEnded: (identity: number) => Number(hasEnded(identity)) };
  const imports = { env, "wasm:js-string": stringBuiltins };
  // A copy: what an instance exports is an object whose properties are looked up by name each time.
  return { ...(new wasmEngine!.Instance(module, imports).exports as Core) };
}

/** Where WebAssembly is switched off, and for tests. Many times slower. */
export function typescriptCore(buffer: ArrayBufferLike): Core {
  const bound = Object.entries(core).map(([name, call]) => [
    name,
    (...parameters: number[]) => {
      useMemory(buffer);
      return Number((call as (...parameters: number[]) => unknown)(...parameters));
    },
  ]);
  const calls = Object.fromEntries(bound) as Omit<Core, keyof TextKeys>;
  return { ...calls, ...textKeys(buffer, calls) };
}
