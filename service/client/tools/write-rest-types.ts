/**
 * `npm run generate` ends with this: types of the REST face from docs/openapi.json. The generator needs a TypeScript older
 * than the repository's: both are installed in a temporary folder, without install scripts.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openTemporaryFolder } from "@cupel/base";
import { documentPath, headerOf, typesPath } from "./rest-types.ts";

await using folder = await openTemporaryFolder("rest-types");
const generator = ["openapi-typescript@7.13.0", "typescript@5.9.3"];
const npm = process.platform === "win32" ? "npm.cmd" : "npm";
execFileSync(
  npm,
  [
    "install",
    "--prefix",
    folder.path,
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--silent",
    ...generator,
  ],
  { stdio: "inherit" },
);
const command = join(folder.path, "node_modules/openapi-typescript/bin/cli.js");
const types = execFileSync(process.execPath, [command, documentPath], { encoding: "utf8", cwd: folder.path });
// A schema that names itself is no type where it is named by an index: inside, it is any list.
const own = /^( {8}(\w+): \()components\["schemas"\]\["\2"\]/gm;
writeFileSync(
  typesPath,
  `${headerOf(readFileSync(documentPath, "utf8"))}\n${types.replace(own, "$1unknown[]")}`,
);
