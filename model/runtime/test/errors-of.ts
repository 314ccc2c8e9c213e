/** What a promise failed with, for tests that look at codes and messages. */
import assert from "node:assert/strict";
import { CupelError } from "@cupel/base";

export async function failureOf(promise: Promise<unknown>): Promise<CupelError> {
  const outcome = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(outcome instanceof CupelError, `expected a CupelError, got ${String(outcome)}`);
  return outcome;
}
