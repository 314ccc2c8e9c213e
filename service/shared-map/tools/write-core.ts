/** Writes the compiled core into the sources: `npm run generate:core`. A test compares it with a fresh one. */
import { writeFileSync } from "node:fs";
import { compileCore } from "./compile-core.ts";

const bytes = await compileCore();
const lines =
  Buffer.from(bytes)
    .toString("base64")
    .match(/.{1,100}/g) ?? [];
writeFileSync(
  new URL("../src/gen/core-wasm.ts", import.meta.url),
  `/** src/core compiled to WebAssembly by tools/write-core.ts. Do not edit. */\nexport const coreWasm =\n${lines
    .map((line) => `  "${line}"`)
    .join(" +\n")};\n`,
);
console.log(`${bytes.length} bytes`);
