/** An exploration of all that there is, whose counts the test prints. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { type Exploration, type ExploreOptions, explore } from "./explorer.ts";

export function exploreAndTell(t: TestContext, options: ExploreOptions): Exploration {
  const started = performance.now();
  const found = explore(options);
  const bound =
    (options.maxPreemptions ?? Infinity) === Infinity
      ? "all schedules"
      : `up to ${options.maxPreemptions} preemptions`;
  t.diagnostic(
    `${t.name}: ${bound}, ${found.states} states, ${found.runs} runs to the end, ${found.steps} steps, ` +
      `longest ${found.longest}, ${found.flagged} flagged, ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
  assert.ok(found.isComplete, "every state was explored");
  return found;
}
