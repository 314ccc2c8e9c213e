/** The last column of docs/operators.md is the table of gradient rules for readers: it must say what the code has. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gradientRules } from "../src/gradient/rules.ts";

const path = join(import.meta.dirname, "../../../docs/operators.md");

/** The cell by operator: "", "yes", or "yes; " and the forms that are refused. */
const cells = new Map(
  readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line) => {
      const operator = /^\| `(\w+)`/.exec(line)?.[1];
      return operator ? [[operator, line.split("|")[5]?.trim()] as const] : [];
    }),
);

test("docs/operators.md says yes to exactly the operators that have a gradient rule", () => {
  const said = new Set(
    [...cells].flatMap(([operator, cell]) => (/^yes(; .+)?$/.test(cell ?? "") ? [operator] : [])),
  );
  const ruled = new Set(Object.keys(gradientRules));
  const gaps = { writeYesFor: [...ruled.difference(said)], emptyTheCellOf: [...said.difference(ruled)] };
  assert.deepEqual(
    gaps,
    { writeYesFor: [], emptyTheCellOf: [] },
    `Edit the column "gradient" of docs/operators.md: ${JSON.stringify(gaps)}`,
  );
});

test("every cell of the gradient column is empty, yes, or yes with the forms refused behind a semicolon", () => {
  const odd = [...cells].filter(([, cell]) => cell === undefined || !/^(yes(; .+)?)?$/.test(cell));
  assert.deepEqual(odd, []);
});

test("docs/operators.md lists every operator without a gradient, and no other", () => {
  const [, section = ""] = readFileSync(path, "utf8").split("### Operators without a gradient");
  const listed = [...section.matchAll(/`(\w+)`/g)].map(([, name]) => name);
  const missing = [...cells].flatMap(([operator, cell]) => (cell === "" ? [operator] : []));
  assert.deepEqual(listed.toSorted(), missing.toSorted());
});
