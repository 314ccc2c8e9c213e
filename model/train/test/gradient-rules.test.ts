/**
 * Every gradient rule against central differences, on random shapes and values. A rule without a row, or a row
 * without a rule, fails. `npm run gradients` prints the table of all of them, CUPEL_GRADIENTS=1 in general.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { gradientRules } from "../src/gradient/rules.ts";
import { activationCases } from "./cases/activation.ts";
import { convolutionCases } from "./cases/convolution.ts";
import { elementwiseCases } from "./cases/elementwise.ts";
import { indexingCases } from "./cases/indexing.ts";
import { linearAlgebraCases } from "./cases/linear-algebra.ts";
import { movementCases } from "./cases/movement.ts";
import { normalisationCases } from "./cases/normalisation.ts";
import { poolingCases } from "./cases/pooling.ts";
import { quantisationCases, staircases } from "./cases/quantisation.ts";
import { reductionCases } from "./cases/reduction.ts";
import { reshapingCases } from "./cases/reshaping.ts";
import { resizingCases } from "./cases/resizing.ts";
import type { GradientCase } from "./support/gradient-case.ts";
import {
  checkGradients,
  drawsOfRow,
  type GradientCheck,
  operatorSet,
  tolerance,
} from "./support/gradient-check.ts";

const cases: readonly GradientCase[] = [
  ...convolutionCases,
  ...poolingCases,
  ...elementwiseCases,
  ...activationCases,
  ...linearAlgebraCases,
  ...reshapingCases,
  ...movementCases,
  ...indexingCases,
  ...resizingCases,
  ...reductionCases,
  ...normalisationCases,
  ...quantisationCases,
];

test("every gradient rule has a row in the check, and every row a rule", () => {
  const checked = new Set([...cases.map((row) => row.opType), ...staircases]);
  const ruled = new Set(Object.keys(gradientRules));
  assert.deepEqual(
    { rulesWithoutRow: [...ruled.difference(checked)], rowsWithoutRule: [...checked.difference(ruled)] },
    { rulesWithoutRow: [], rowsWithoutRule: [] },
  );
});

const errors = new Map<GradientCase, number>();
const groups = Map.groupBy(cases, (row) => `${row.opType} of operator set ${operatorSet(row)}`);

/** A session costs more to open than a few rows to check, so operators share one until it has so many rows. */
const rowsOfSession = 16;

interface Shared {
  readonly rows: GradientCase[];
  checks: Promise<readonly GradientCheck[]> | null;
}

const sharedBy = new Map<string, Shared>();
let shared: Shared = { rows: [], checks: null };
for (const [name, rows] of groups) {
  const [first] = shared.rows;
  const isFull = shared.rows.length >= rowsOfSession;
  if (isFull || (first && operatorSet(first) !== operatorSet(rows[0]!))) shared = { rows: [], checks: null };
  shared.rows.push(...rows);
  sharedBy.set(name, shared);
}

async function checksOf(name: string, rows: readonly GradientCase[]): Promise<readonly GradientCheck[]> {
  const shared = sharedBy.get(name)!;
  shared.checks ??= checkGradients(shared.rows);
  try {
    return (await shared.checks).filter(({ row }) => rows.includes(row));
  } catch {
    // What failed may be another's: alone it says whose it is.
    return await checkGradients(rows);
  }
}

// As many at once as three sessions have.
suite("gradients agree with central differences", { concurrency: 20 }, () => {
  for (const [name, rows] of groups) {
    test(name, async () => {
      const checks = await checksOf(name, rows);
      for (const { row, error } of checks) errors.set(row, error);
      const wrong = checks.filter(({ error }) => !(error <= tolerance));
      assert.deepEqual(
        wrong.map(({ row, error, where }) => `${nameOf(row)}: error ${error.toExponential(1)}, ${where}`),
        [],
      );
    });
  }
});

test("every row of the table of gradient checks has an error", (t) => {
  assert.equal(errors.size, cases.length);
  if (process.env.CUPEL_GRADIENTS === "1") t.diagnostic(table());
});

function table(): string {
  const names = cases.map(nameOf);
  const width = Math.max(...names.map((name) => name.length));
  const lines = cases.map((row, index) => {
    const error = errors.get(row)?.toExponential(1) ?? "failed";
    return `${names[index]!.padEnd(width)}  ${drawsOfRow}  ${error}`;
  });
  return [`gradient check: operator, draws, worst relative error (at most ${tolerance})`, ...lines].join(
    "\n",
  );
}

function nameOf({ opType, variant }: GradientCase): string {
  return variant ? `${opType}, ${variant}` : opType;
}
