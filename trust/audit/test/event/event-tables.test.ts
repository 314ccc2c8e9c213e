/** docs/audit-events.md says which actions there are. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { actionCodes, subjectKinds } from "@cupel/audit";
import { page, withTables } from "../../tools/event-tables.ts";

const text = readFileSync(join(import.meta.dirname, "../../../..", page), "utf8");

test(`${page} has its tables as they are: else run npm run tables`, () => {
  for (const name of [...actionCodes, ...Object.keys(subjectKinds)]) {
    assert.ok(text.includes(`| \`${name}\` | `), name);
  }
  assert.equal(withTables(text), text);
});
