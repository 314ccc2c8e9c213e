import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  baseErrors,
  CupelError,
  defineErrors,
  errorFrom,
  failures,
  postError,
  publicError,
  reviveError,
  throwIfCancelled,
} from "@cupel/base";

const errors = defineErrors({
  TOO_HOT: { meaning: "The dish melts.", ...failures.badData },
  DISH_LOST: { meaning: "The dish is gone.", ...failures.notFound },
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

test("a remote caller is told the message of a public error, and only the meaning of any other", () => {
  const details = { path: "/home/ada/dish" };
  assert.deepEqual(publicError(errors.error("TOO_HOT", "1200 degrees.", { details: { degrees: 1200 } })), {
    code: "TOO_HOT",
    message: "1200 degrees.",
    details: { degrees: 1200 },
  });
  const told = publicError(errors.error("DISH_LOST", "No /home/ada/dish.", { details }));
  assert.deepEqual(told, { code: "DISH_LOST", message: "The dish is gone.", details: {} });
});

describe("at a boundary", () => {
  test("a CupelError passes unchanged and anything unknown becomes a defect", () => {
    const own = errors.error("TOO_HOT", "hot");
    assert.equal(errorFrom(own), own);
    const wrapped = errorFrom("text");
    assert.equal(wrapped.code, "INTERNAL");
    assert.equal(wrapped.message, "text");
    assert.equal(wrapped.cause, "text");
  });

  test("what a signal of Node throws is told apart: time ran out, or somebody cancelled", async () => {
    const late = AbortSignal.timeout(1);
    await new Promise((resolve) => late.addEventListener("abort", resolve));
    const cancelled = AbortSignal.abort();
    const reason = new Error("changed my mind");
    const withReason = AbortSignal.abort(reason);
    assert.equal(errorFrom(late.reason).code, "DEADLINE_EXCEEDED");
    assert.equal(errorFrom(cancelled.reason).code, "CANCELLED");
    assert.equal(errorFrom(reason, withReason).code, "CANCELLED");
    assert.equal(errorFrom(reason).code, "INTERNAL");
    // Node's own APIs throw an AbortError whatever the reason of the signal.
    assert.equal(errorFrom(cancelled.reason, late).code, "DEADLINE_EXCEEDED");
    assert.throws(() => throwIfCancelled(late, "Counting"), {
      code: "DEADLINE_EXCEEDED",
      message: /Counting/,
    });
  });
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

test("an error that crosses a thread keeps its code, row, details and the chain of its causes", () => {
  const root = Object.assign(new TypeError("no such dish"), { name: "TypeError" });
  const middle = errors.error("DISH_LOST", "No /home/ada/dish.", { cause: root, details: { shelf: 3 } });
  const outer = errors.error("TOO_HOT", "hot", { cause: middle });
  const revived = reviveError(structuredClone(postError(outer)));
  assert.ok(revived instanceof CupelError);
  assert.deepEqual(revived.toJSON(), outer.toJSON());
  assert.deepEqual(revived.spec, outer.spec);
  assert.equal(revived.stack, outer.stack);
  const { cause } = revived;
  assert.ok(cause instanceof CupelError);
  assert.deepEqual(cause.toJSON(), middle.toJSON());
  assert.ok(cause.cause instanceof Error && !(cause.cause instanceof CupelError));
  assert.equal(`${cause.cause}`, "TypeError: no such dish");
});

test("a chain of causes that leads back to itself is cut", () => {
  const first = new Error("first");
  first.cause = first;
  const revived = reviveError(postError(first));
  assert.equal(revived.message, "first");
});

test("every code of the base has a distinct, documented meaning", () => {
  const meanings = Object.values(baseErrors.specs).map((spec) => spec.meaning);
  assert.equal(new Set(meanings).size, meanings.length);
});
