/** `npm run tables`: writes what docs/ has of the server itself: tables, and the OpenAPI document. A test compares them. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openApiPage, openApiPath } from "./openapi-page.ts";
import { pages, withTables } from "./reference-tables.ts";

const root = join(import.meta.dirname, "../../..");
for (const page of pages) write(page, withTables(readFileSync(join(root, page), "utf8")));
write(openApiPath, openApiPage());

function write(page: string, text: string): void {
  const path = join(root, page);
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  writeFileSync(path, text);
  console.log(`wrote ${page}`);
}
