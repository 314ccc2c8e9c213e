/** Every failure has one code in the whole house: programs match on it without asking which package raised it. */
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ErrorSpec } from "@cupel/base";

const root = fileURLToPath(new URL("../..", import.meta.url));

async function declared(): Promise<{ file: string; code: string; spec: ErrorSpec }[]> {
  const files = globSync(
    ["base", "model/*", "service/*", "trust/*", "app/*"].map((at) => `${at}/src/errors.ts`),
    {
      cwd: root,
    },
  );
  assert.ok(files.length >= 8, "the tables of errors were not found");
  const rows: { file: string; code: string; spec: ErrorSpec }[] = [];
  for (const file of files) {
    const module: Record<string, unknown> = await import(pathToFileURL(join(root, file)).href);
    for (const registry of Object.values(module)) {
      if (typeof registry !== "object" || registry === null || !("specs" in registry)) continue;
      for (const [code, spec] of Object.entries(registry.specs as Record<string, ErrorSpec>)) {
        rows.push({ file: relative(root, join(root, file)), code, spec });
      }
    }
  }
  return rows;
}

test("a code is declared by one package only", async () => {
  const owner = new Map<string, string>();
  for (const { code, file } of await declared()) {
    assert.equal(owner.get(code), undefined, `${code} is declared in ${owner.get(code)} and in ${file}`);
    owner.set(code, file);
  }
});

test("a code says how it is presented at every edge", async () => {
  for (const { code, file, spec } of await declared()) {
    const where = `${code} in ${file}`;
    assert.match(code, /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/, where);
    assert.match(spec.meaning, /^[A-Z].*\.$/s, `${where}: the meaning is a sentence`);
    assert.ok(spec.http >= 400 && spec.http < 600, where);
    assert.ok(spec.exit > 0 && spec.exit < 256, where);
    assert.equal(typeof spec.retryable, "boolean", where);
    assert.equal(typeof spec.public, "boolean", where);
  }
});
