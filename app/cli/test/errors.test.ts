/** How failures are printed: those that were foreseen, and those that were not. */
import assert from "node:assert/strict";
import test from "node:test";
import { baseErrors, CupelError, errorFrom } from "@cupel/base";
import { cliErrors } from "../src/errors.ts";
import { printError } from "../src/terminal/print-error.ts";
import { styled } from "../src/terminal/terminal.ts";
import { catchingTerminal } from "./harness.ts";

function printed(thrown: unknown, verbose = false): string {
  const { terminal, told } = catchingTerminal();
  printError(terminal, errorFrom(thrown), { verbose });
  return told().err;
}

const foreseen = cliErrors.error("FILE_UNREADABLE", "Cannot read x.", { cause: new Error("EACCES: x") });

test("a foreseen failure is one line with its code, and its own exit status", () => {
  assert.equal(printed(foreseen), "error FILE_UNREADABLE: Cannot read x.\n");
  assert.equal(foreseen.spec.exit, 66);
});

test("--verbose adds the chain of causes", () => {
  const outer = baseErrors.error("OPTION_INVALID", "Outer.", { cause: foreseen });
  const lines = printed(outer, true);
  assert.match(lines, /caused by FILE_UNREADABLE: [\s\S]*caused by Error: EACCES: x/);
});

test("a chain of causes that leads back to itself ends", () => {
  const a = new Error("a");
  const b = new Error("b", { cause: a });
  a.cause = b;
  assert.equal(
    printed(baseErrors.error("OPTION_INVALID", "c", { cause: b }), true).match(/caused by/g)?.length,
    2,
  );
});

test("anything else is a defect, with the stack under --verbose only", () => {
  const defect = new TypeError("x is not a function");
  assert.equal(errorFrom(defect).spec.exit, 70);
  assert.match(
    printed(defect),
    /^error INTERNAL: x is not a function\nThis is a defect of cupel.*\nRun it again with --verbose/,
  );
  assert.doesNotMatch(printed(defect), /at .*errors\.test/);
  assert.match(printed(defect, true), /at .*errors\.test/);
});

test("failures are JSON under --json", () => {
  assert.deepEqual(JSON.parse(JSON.stringify({ error: foreseen })), {
    error: { code: "FILE_UNREADABLE", message: "Cannot read x.", details: {} },
  });
});

test("every code of the command line has a meaning and a status above 0", () => {
  for (const [code, spec] of Object.entries(cliErrors.specs)) {
    assert.ok(spec.meaning.length > 20 && spec.exit > 0, code);
  }
  assert.ok(foreseen instanceof CupelError);
});

test("colour is used where the terminal has it and nowhere else", () => {
  assert.equal(styled(catchingTerminal({ hasColour: true }).terminal, "red", "x"), "\u001b[31mx\u001b[39m");
  assert.equal(styled(catchingTerminal().terminal, "red", "x"), "x");
});
