/** What only a process of its own shows: the example as a reader runs it, and a Node.js without WebAssembly. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const run = (file: string) => execFileSync(process.execPath, [file], { encoding: "utf8" });

test("the example: the limit holds over all workers, and each page is rendered once", () => {
  const told = run(fileURLToPath(new URL("../../../examples/shared-map.ts", import.meta.url)));
  const [served, rendered, refused] = told.match(/\d+/g)!.map(Number);
  assert.deepEqual([served, rendered, refused], [1000, 50, 1000]);
});

test("where WebAssembly is switched off, threads share a map all the same", () => {
  assert.equal(run(fileURLToPath(new URL("./threads/without-wasm.ts", import.meta.url))), "null value 42\n");
});

test("closed maps' memory is returned before a new one is refused", {
  skip: process.platform !== "linux",
}, () => {
  const module = JSON.stringify(new URL("../src/index.ts", import.meta.url).href);
  const script = `import(${module}).then(({ SharedMap }) => {
    for (let i = 0; i < 150; i++) SharedMap.create({ maxBytes: 2 ** 26, core: "typescript" }).close();
    console.log("all");
  })`;
  const told = execFileSync("sh", ["-c", 'ulimit -v 8000000; exec "$0" -e "$1"', process.execPath, script], {
    encoding: "utf8",
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: "1" },
  });
  assert.equal(told, "all\n");
});

test("a system that gives no more memory: MEMORY_UNAVAILABLE", { skip: process.platform !== "linux" }, () => {
  const module = JSON.stringify(new URL("../src/index.ts", import.meta.url).href);
  const script = `import(${module}).then(({ SharedMap }) => {
    try { SharedMap.create({ maxBytes: 2 ** 30 }); } catch ({ code }) { console.log(code); }
  })`;
  // The shell's limit of address space: enough for Node.js as it starts without a cache, not for a memory with its
  // guard pages.
  const told = execFileSync("sh", ["-c", 'ulimit -v 6000000; exec "$0" -e "$1"', process.execPath, script], {
    encoding: "utf8",
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: "1" },
  });
  assert.equal(told, "MEMORY_UNAVAILABLE\n");
});
