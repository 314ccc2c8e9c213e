/** A part of `npm run tables`: writes the tables of docs/audit-events.md. A test compares them. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { page, withTables } from "./event-tables.ts";

const path = join(import.meta.dirname, "../../..", page);
const text = readFileSync(path, "utf8");
const written = withTables(text);
if (written !== text) {
  writeFileSync(path, written);
  console.log(`wrote ${page}`);
}
