/**
 * Whatever the packages tell the record is of its table of actions: the record would put it into quarantine otherwise. And
 * every action of the table is told by somebody, or waits for what is to tell it.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { actionCodes } from "@cupel/audit";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Where all codes stand, told or not. */
const tables = ["trust/audit/src/event/actions.ts", "trust/audit/src/event/export/ocsf-classes.ts"];

/** What is to tell it is not built. */
const reserved: Readonly<Record<string, readonly string[]>> = {
  "the console, which has sessions and roles": [
    "AUTH.LOGIN",
    "AUTH.LOGIN.FAIL",
    "AUTH.LOGOUT",
    "AUTH.ROLE.CHANGE",
    "AUTH.TOKEN.ISSUE",
    "AUTH.TOKEN.REVOKE",
    "CONFIG.CHANGE",
  ],
  "the tracing of the environment": ["ENV.READ"],
  archives: ["AUDIT.EXPORT"],
  "commands that rotate keys": ["AUDIT.KEY.ROTATE"],
};

const told = new Map<string, string>();
for (const path of globSync("{service,model,trust,app}/*/src/**/*.ts", { cwd: root })) {
  if (tables.includes(path.replaceAll("\\", "/"))) continue;
  for (const [, code] of readFileSync(join(root, path), "utf8").matchAll(/"([A-Z]+(?:\.[A-Z]+)+)"/g)) {
    told.set(code!, path);
  }
}

test("every code of an event that a package tells is one that the record takes", () => {
  assert.ok(told.has("INFER.REQUEST") && told.has("MODEL.LOAD.FAIL"), "the sources are read");
  const unknown = [...told].filter(([code]) => !actionCodes.includes(code));
  assert.deepEqual(unknown, []);
});

test("every action that the record takes is told by somebody, or waits for what is to tell it", () => {
  const waiting = Object.values(reserved).flat();
  assert.deepEqual(
    actionCodes.filter((code) => !told.has(code) && !waiting.includes(code)),
    [],
  );
});
