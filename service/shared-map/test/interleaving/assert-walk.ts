/** What is promised of a walk. */
import assert from "node:assert/strict";

/** Every kept key once, none twice, none that was never added. */
export function assertWalk(walked: unknown, kept: readonly number[], passing: readonly number[]): void {
  const keys = walked as number[];
  assert.equal(new Set(keys).size, keys.length, `${keys}: a key came twice`);
  for (const key of kept) assert.ok(keys.includes(key), `${keys}: ${key} was there throughout`);
  for (const key of keys) assert.ok(kept.includes(key) || passing.includes(key), `${key} was never added`);
}
