/** The tables of docs/ say what the server has. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { serveErrors } from "@cupel/serve";
import { metricTable } from "../src/operations/metric-table.ts";
import { openApiPage, openApiPath } from "../tools/openapi-page.ts";
import { pages, withTables } from "../tools/reference-tables.ts";

for (const page of pages) {
  const text = readFileSync(join(import.meta.dirname, "../../..", page), "utf8");
  test(`${page} has its tables as they are: else run npm run tables`, () => {
    assert.match(text, /<!-- table [\w ]+ -->\n\| /);
    assert.equal(withTables(text), text);
  });
  test(`${page} has no cell that says nothing`, () => {
    const rows = text.split("\n").filter((line) => line.startsWith("| `"));
    assert.deepEqual(
      rows.filter((row) => /\|\s*\|$/.test(row)),
      [],
    );
  });
}

test(`${openApiPath} is what the server answers: else run npm run tables`, () => {
  assert.equal(readFileSync(join(import.meta.dirname, "../../..", openApiPath), "utf8"), openApiPage());
});

test("a code, a metric and a setting of each kind are there", () => {
  const told = pages
    .map((page) => readFileSync(join(import.meta.dirname, "../../..", page), "utf8"))
    .join("");
  const names = [
    ...Object.keys(serveErrors.specs),
    ...Object.values(metricTable).map(({ name }) => name),
    "listen.port",
    "listen.tls.certificate",
    "limits.rate.burst",
    "access.keys[].sha256",
    "access.jwt.issuer",
    "models[].cache",
    "processes",
  ];
  assert.deepEqual(
    names.filter((name) => !told.includes(`| \`${name}\` |`)),
    [],
  );
});

test("a table that nobody has is refused", () => {
  assert.throws(() => withTables("<!-- table none -->\n<!-- end -->"), /no table "none"/);
});
