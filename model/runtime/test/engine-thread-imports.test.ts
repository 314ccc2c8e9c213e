/** What a session's thread loads, every session pays, and every trial what its process loads: it stays small. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const src = new URL("../src/", import.meta.url);

/** Packages that the module loads, itself or through the modules beside it. Types are not loaded. */
function packagesOf(module: URL, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(module.href)) return packages;
  seen.add(module.href);
  for (const [, clause, specifier] of readFileSync(module, "utf8").matchAll(
    /(?:^import\s+(type\s)?[^;]*?from\s+|import\()"([^"]+)"/gm,
  )) {
    if (clause) continue;
    if (!specifier!.startsWith(".")) packages.add(specifier!);
    else for (const each of packagesOf(new URL(specifier!, module), seen)) packages.add(each);
  }
  return packages;
}

for (const entry of ["session/engine-worker.ts", "isolated/trial-child.ts", "isolated/trial-guard.ts"]) {
  test(`${entry} loads no other package of the house but base`, () => {
    const others = [...packagesOf(new URL(entry, src))].filter(
      (name) => name.startsWith("@cupel/") && name !== "@cupel/base",
    );
    assert.deepEqual(others, []);
  });
}
