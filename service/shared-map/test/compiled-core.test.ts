/** The WebAssembly in the sources is what the compiler makes of the core: nothing else, and the same every time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { coreWasm } from "../src/gen/core-wasm.ts";
import { compileCore } from "../tools/compile-core.ts";

test("the bytes checked in are those that the core compiles to", async () => {
  const bytes = Buffer.from(await compileCore());
  assert.ok(bytes.equals(Buffer.from(coreWasm, "base64")), "run `npm run generate:core`");
});
