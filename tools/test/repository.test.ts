/** The repository as a whole: it typechecks, it is formatted, and its packages import only what the table allows. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkRepository, violationText } from "../guard/check.ts";
import { readRepository } from "../guard/read-repository.ts";
import { guardTable } from "../guard/table.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

function npmRun(script: string): void {
  try {
    execFileSync("npm", ["run", "--silent", script], { cwd: root, stdio: "pipe", encoding: "utf8" });
  } catch (thrown) {
    const { stdout, stderr } = thrown as { stdout?: string; stderr?: string };
    assert.fail(`npm run ${script}:\n${stdout ?? ""}${stderr ?? ""}`);
  }
}

test("every source typechecks", () => npmRun("typecheck"));

test("every source is formatted and free of lint", () => npmRun("lint"));

test("every import and every dependency is one that the guard's table allows", () => {
  const found = checkRepository(readRepository(root), guardTable);
  assert.equal(found.map(violationText).join("\n"), "");
});
