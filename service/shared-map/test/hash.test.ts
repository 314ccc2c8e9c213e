/** HalfSipHash-1-3 against the vectors of the Linux kernel (lib/tests/siphash_kunit.c, 32-bit hsiphash). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SEED } from "../src/core/layout.ts";
import { coreModule, typescriptCore, wasmCore } from "../src/core-instance.ts";
import { wasmEngine } from "../src/wasm-engine.ts";

/** Of the bytes 0, 1, ... n-1 under the key 00 01 .. 07, for n from 0 on. */
const vectors = [
  0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6, 0x577999b1,
  0xc839caed, 0xe4fa32cf, 0x959246ee, 0x6b28096c, 0x66dd9cd6, 0x16658a7c, 0xd0257b04, 0x8b31d501, 0x2b1cd04b,
  0x06712339, 0x522aca67,
];

const memory = new wasmEngine!.Memory({ initial: 1, maximum: 1, shared: true });
const cores = {
  WebAssembly: [wasmCore(coreModule(), memory), memory.buffer],
  TypeScript: (() => {
    const buffer = new SharedArrayBuffer(65536);
    return [typescriptCore(buffer), buffer] as const;
  })(),
} as const;

for (const [name, [core, buffer]] of Object.entries(cores)) {
  test(`the published vectors, in ${name}`, () => {
    const words = new Int32Array(buffer);
    const bytes = new Uint8Array(buffer);
    words[SEED >> 2] = 0x03020100;
    words[(SEED + 4) >> 2] = 0x07060504;
    for (let i = 0; i < vectors.length; i++) bytes[4096 + i] = i;
    assert.deepEqual(
      vectors.map((_, length) => core.hashBytes(4096, length) >>> 0),
      vectors,
    );
  });
}
