/** `npm run api`: writes the API report of every package. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { apiReports } from "./report.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
for (const [path, text] of apiReports(root)) {
  const target = join(root, path);
  if (existsSync(target) && readFileSync(target, "utf8") === text) continue;
  writeFileSync(target, text);
  console.log(`wrote ${path}`);
}
