/**
 * A violation as a person reads it: the end of the longest order that works, the value it leads to, and the
 * operations of which none can come next, each with its interval on one line of time.
 */
import type { CheckResult } from "./checker.ts";
import type { Operation, OperationResult } from "./history.ts";
import { isPending } from "./history.ts";
import type { State } from "./specification.ts";
import { resultIn, stateAfter } from "./specification.ts";

/** Operations shown of the prefix: what led to a violation is recent. */
const SHOWN = 12;

/** One line for a history that is linearizable. */
export function explain(result: CheckResult): string {
  if (result.ok) return `${result.operations} operations on ${result.keys} keys are linearizable.`;
  const { key, longestPrefix, stuckOn } = result;
  const shown = longestPrefix.slice(-SHOWN);
  const drawn = createTimeline([...shown, ...stuckOn]);
  const state = longestPrefix.reduce<State>(stateAfter, undefined);
  return [
    `Key ${key} is not linearizable. ${longestPrefix.length} of its operations fit in one order` +
      `${shown.length < longestPrefix.length ? ", which ends with" : ""}:`,
    ...shown.map((operation) => `  ${drawn(operation)}`),
    `The key is then ${state === undefined ? "absent" : state}, and nothing that may come next fits:`,
    ...stuckOn.map((operation) => `  ${drawn(operation)}  but gives ${resultIn(state, operation)} here`),
  ].join("\n");
}

/** Tickets that other operations hold are left out: a column is a call or a return of an operation shown. */
function createTimeline(operations: readonly Operation[]): (operation: Operation) => string {
  const tickets = operations.flatMap((operation) => [operation.call, operation.return]);
  const columns = [...new Set(tickets.filter(Number.isFinite))].sort((a, b) => a - b);
  const widest = Math.max(...operations.map((operation) => describe(operation).length));
  return (operation) => {
    const start = columns.indexOf(operation.call);
    const end = isPending(operation) ? columns.length : columns.indexOf(operation.return);
    const interval = `|${"-".repeat(end - start - 1)}${isPending(operation) ? ">" : "|"}`;
    return `${describe(operation).padEnd(widest)}  ${(" ".repeat(start) + interval).padEnd(columns.length + 1)}`;
  };
}

function describe(operation: Operation): string {
  const { thread, kind, argument, call } = operation;
  const until = isPending(operation) ? "never" : operation.return;
  return `thread ${thread}  [${call}, ${until}]  ${kind}(${argument ?? ""})${answer(operation)}`;
}

function answer(operation: Operation): string {
  const result: OperationResult = operation.result;
  if (isPending(operation)) return " pending";
  return operation.kind === "set" && result === undefined ? "" : ` = ${result}`;
}
