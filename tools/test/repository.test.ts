/** The repository as a whole: it typechecks, it is formatted, and its packages depend only downward. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

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

/** The house: a package may import those before it. */
const order = ["base", "onnx", "runtime", "vision", "train", "compress", "shared-map", "console", "cli"];

test("packages import only packages below them, and declare what they import", () => {
  for (const path of globSync(["base", "model/*", "service/*", "app/*"], { cwd: root })) {
    const manifest: { name: string; dependencies: Record<string, string> } = JSON.parse(
      readFileSync(join(root, path, "package.json"), "utf8"),
    );
    const own = manifest.name.replace("@cupel/", "");
    for (const file of globSync(`${path}/src/**/*.ts`, { cwd: root })) {
      const source = readFileSync(join(root, file), "utf8");
      for (const [, imported] of source.matchAll(/from "@cupel\/([a-z-]+)"/g)) {
        assert.ok(order.indexOf(imported!) < order.indexOf(own), `${file} imports @cupel/${imported}`);
        assert.ok(
          `@cupel/${imported}` in manifest.dependencies,
          `${dirname(file)} does not declare @cupel/${imported}`,
        );
      }
    }
  }
});
