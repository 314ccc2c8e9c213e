/**
 * Every gradient rule against central differences, on random shapes and values; the table of all of them is
 * printed at the end. A rule without a row, or a row without a rule, fails.
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
import { quantisationCases } from "./cases/quantisation.ts";
import { reductionCases } from "./cases/reduction.ts";
import { reshapingCases } from "./cases/reshaping.ts";
import { resizingCases } from "./cases/resizing.ts";
import type { GradientCase } from "./support/gradient-case.ts";
import { checkGradients, drawsOfRow, tolerance } from "./support/gradient-check.ts";

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
  const checked = [...new Set(cases.map((row) => row.opType))];
  assert.deepEqual(checked.sort(), Object.keys(gradientRules).sort());
});

const errors = new Map<GradientCase, number>();

suite("gradients agree with central differences", { concurrency: 3 }, () => {
  for (const row of cases) {
    test(nameOf(row), async () => {
      const { error, where } = await checkGradients(row);
      errors.set(row, error);
      assert.ok(error <= tolerance, `relative error ${error.toExponential(1)} at ${where}`);
    });
  }
});

test("the table of gradient checks", (t) => {
  const width = Math.max(...cases.map((row) => nameOf(row).length));
  const lines = cases.map((row) => {
    const error = errors.get(row);
    return `${nameOf(row).padEnd(width)}  ${drawsOfRow}  ${error === undefined ? "failed" : error.toExponential(1)}`;
  });
  t.diagnostic(
    [`gradient check: operator, draws, worst relative error (at most ${tolerance})`, ...lines].join("\n"),
  );
  assert.equal(errors.size, cases.length);
});

function nameOf({ opType, variant }: GradientCase): string {
  return variant ? `${opType}, ${variant}` : opType;
}
