/** `npm run tables`: writes the tables of docs/ that the server has itself. A test compares them. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pages, withTables } from "./reference-tables.ts";

for (const page of pages) {
  const path = join(import.meta.dirname, "../../..", page);
  const text = readFileSync(path, "utf8");
  const written = withTables(text);
  if (written === text) continue;
  writeFileSync(path, written);
  console.log(`wrote ${page}`);
}
