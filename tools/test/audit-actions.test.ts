/** Whatever the packages tell the record is of its table of actions: the record would put it into quarantine otherwise. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { actionCodes } from "@cupel/audit";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("every code of an event that a package tells is one that the record takes", () => {
  const found = new Map<string, string>();
  for (const path of globSync("{service,model,app}/*/src/**/*.ts", { cwd: root })) {
    for (const [, code] of readFileSync(join(root, path), "utf8").matchAll(/"([A-Z]+(?:\.[A-Z]+)+)"/g)) {
      found.set(code!, path);
    }
  }
  assert.ok(found.has("INFER.REQUEST") && found.has("MODEL.LOAD.FAIL"), "the sources are read");
  const unknown = [...found].filter(([code]) => !actionCodes.includes(code));
  assert.deepEqual(unknown, []);
});
