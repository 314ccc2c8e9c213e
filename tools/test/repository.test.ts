/** The repository as a whole: it typechecks, it is formatted, and its packages import only what the table allows. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { own } from "@cupel/base";
import { checkRepository, violationText } from "../guard/check.ts";
import { readRepository } from "../guard/read-repository.ts";
import { guardTable } from "../guard/table.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** @param more words to each command of the script. */
function npmRun(script: string, more = ""): void {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  for (const command of own(scripts, script)?.split(" && ") ?? assert.fail(`no script ${script}`)) {
    const [program = "", ...words] = `${command} ${more}`.trim().split(" ");
    try {
      execFileSync(join(root, "node_modules/.bin", program), words, {
        cwd: root,
        stdio: "pipe",
        encoding: "utf8",
        shell: process.platform === "win32",
      });
    } catch (thrown) {
      const { stdout, stderr } = thrown as { stdout?: string; stderr?: string };
      assert.fail(`${command}:\n${stdout ?? ""}${stderr ?? ""}`);
    }
  }
}

// Four checkers each find out what they share, and here other tests run beside them: one takes half the processor time.
test("every source typechecks", () => npmRun("typecheck", "--checkers 1"));

test("every source is formatted and free of lint", () => npmRun("lint"));

test("every import and every dependency is one that the guard's table allows", () => {
  const found = checkRepository(readRepository(root), guardTable);
  assert.equal(found.map(violationText).join("\n"), "");
});
