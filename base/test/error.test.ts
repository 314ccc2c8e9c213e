import assert from "node:assert/strict";
import { test } from "node:test";
import { baseErrors, CupelError, defineErrors, throwIfCancelled, toCupelError } from "@cupel/base";

const errors = defineErrors({
  TOO_HOT: { meaning: "The dish melts.", http: 422, grpc: "INVALID_ARGUMENT", exit: 65 },
});

test("an error carries its code, the table's row, details and cause", () => {
  const cause = new Error("thermometer");
  const error = errors.error("TOO_HOT", "The dish is at 1200 degrees.", {
    cause,
    details: { degrees: 1200 },
  });
  assert.ok(error instanceof CupelError && error instanceof Error);
  assert.equal(error.code, "TOO_HOT");
  assert.equal(error.spec.exit, 65);
  assert.equal(error.cause, cause);
  assert.deepEqual(JSON.parse(JSON.stringify(error)), {
    code: "TOO_HOT",
    message: "The dish is at 1200 degrees.",
    details: { degrees: 1200 },
  });
});

test("at a boundary a CupelError passes unchanged and anything else becomes a defect", () => {
  const own = errors.error("TOO_HOT", "hot");
  assert.equal(toCupelError(own), own);
  const wrapped = toCupelError("text");
  assert.equal(wrapped.code, "INTERNAL");
  assert.equal(wrapped.message, "text");
  assert.equal(wrapped.cause, "text");
});

test("work stops once its signal has fired, and not before", () => {
  const controller = new AbortController();
  throwIfCancelled(controller.signal, "Counting");
  throwIfCancelled(undefined, "Counting");
  controller.abort();
  assert.throws(() => throwIfCancelled(controller.signal, "Counting"), {
    code: "CANCELLED",
    message: /Counting/,
  });
});

test("every code of the base has a distinct, documented meaning", () => {
  const meanings = Object.values(baseErrors.specs).map((spec) => spec.meaning);
  assert.equal(new Set(meanings).size, meanings.length);
});
