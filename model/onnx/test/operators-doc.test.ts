/** docs/operators.md is the table of shape rules for readers: it must list exactly what the code has. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { evaluatedOperators } from "../src/evaluate/evaluate.ts";
import { operatorKinds } from "../src/shape/operators.ts";
import { fixtureLines } from "./support/files.ts";

const path = join(import.meta.dirname, "../../../docs/operators.md");

/** The first four columns of each row: kind, operator, folded ahead, note. Later columns belong to others. */
function rowsOf(document: string): string[] {
  return document
    .split("\n")
    .filter((line) => /^\| `/.test(line))
    .map((line) =>
      line
        .split("|")
        .slice(1, 5)
        .map((cell) => cell.trim())
        .join(" | "),
    );
}

function rowsOfTable(): string[] {
  return Object.entries(operatorKinds).flatMap(([kind, rows]) =>
    Object.entries(rows)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, row]) => {
        const note = "note" in row && row.note ? row.note : "";
        return [`\`${name}\``, kind, evaluatedOperators.has(name) ? "yes" : "", note].join(" | ");
      }),
  );
}

test("docs/operators.md lists the operators of the shape table", () => {
  assert.deepEqual(rowsOf(readFileSync(path, "utf8")), rowsOfTable());
});

test("docs/operators.md lists every operator of ONNX that has no row, and no other", () => {
  const [, section = ""] = readFileSync(path, "utf8").split("### Operators without a row");
  const listed = [...section.split("###")[0]!.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  const rows = new Set(Object.values(operatorKinds).flatMap((kind) => Object.keys(kind)));
  const missing = fixtureLines<string>("standard.jsonl").filter((name) => !rows.has(name));
  assert.deepEqual(listed.toSorted(), missing);
});
