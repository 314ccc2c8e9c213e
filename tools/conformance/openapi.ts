/**
 * The server's OpenAPI document under Spectral's rules for OpenAPI (spectral:oas): no error and no warning.
 * `node tools/conformance/openapi.ts`; npx fetches Spectral. Skipped where it cannot.
 */
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openTemporaryFolder } from "@cupel/base";
import { run, skip } from "./run-tool.ts";
import { startServer } from "./start-server.ts";

const spectral = ["--yes", "--package=@stoplight/spectral-cli@6.16.3", "spectral"];

if (spawnSync("npx", [...spectral, "--version"], { stdio: "ignore" }).status !== 0) {
  skip("Spectral", "npx cannot run @stoplight/spectral-cli");
}
await using server = await startServer();
await using folder = await openTemporaryFolder("spectral");
const document = join(folder.path, "openapi.json");
const rules = join(folder.path, "rules.yaml");
await writeFile(document, await (await fetch(`${server.url}/openapi.json`)).text());
await writeFile(rules, "extends: ['spectral:oas']\n");
process.exitCode = run("npx", [...spectral, "lint", document, "--ruleset", rules, "--fail-severity=warn"]);
