/**
 * The sequential specification: what one key of a map does when nobody else is there. Linearizability says that
 * threads together see nothing else. A row gives an operation's result and its effect, both from the state
 * before it.
 *
 * Values are equal as a Map's keys are (SameValueZero), so NaN may be stored, and 0 and -0 are one value.
 */
import type { Operation, OperationKind, OperationResult } from "./history.ts";
import { isPending } from "./history.ts";

/** The value of the key; undefined where it is absent, as every key is at first. */
export type State = number | undefined;

interface Rule {
  readonly takesArgument: boolean;
  /** Never changes any state. */
  readonly reads: boolean;
  result(state: State, argument: number): OperationResult;
  next(state: State, argument: number): State;
}

const MODULUS = 1_000_003;

/** The function that every "compute" is called with. The factor makes results depend on the order. */
export function computeValue(current: State, argument: number): number {
  return ((current ?? 0) * 3 + argument) % MODULUS;
}

/** What "compareAndSet" is called with, in one number: the value it expects, and the one it sets, below 1,000. */
export function casArgument(expected: State, value: number): number {
  return ((expected ?? -1) + 1) * 1000 + value;
}

export function casParts(argument: number): { expected: State; value: number } {
  const expected = Math.floor(argument / 1000) - 1;
  return { expected: expected < 0 ? undefined : expected, value: argument % 1000 };
}

const sum = (state: State, argument: number): number => (state ?? 0) + argument;

export const specification: Readonly<Record<OperationKind, Rule>> = {
  get: { takesArgument: false, reads: true, result: (state) => state, next: (state) => state },
  has: { takesArgument: false, reads: true, result: (state) => state !== undefined, next: (state) => state },
  set: { takesArgument: true, reads: false, result: () => undefined, next: (_, argument) => argument },
  delete: {
    takesArgument: false,
    reads: false,
    result: (state) => state !== undefined,
    next: () => undefined,
  },
  add: { takesArgument: true, reads: false, result: sum, next: sum },
  compute: { takesArgument: true, reads: false, result: computeValue, next: computeValue },
  computeDelete: { takesArgument: false, reads: false, result: () => undefined, next: () => undefined },
  getOrInsert: {
    takesArgument: true,
    reads: false,
    result: (state, argument) => state ?? argument,
    next: (state, argument) => state ?? argument,
  },
  setIfAbsent: {
    takesArgument: true,
    reads: false,
    result: (state) => state === undefined,
    next: (state, argument) => state ?? argument,
  },
  compareAndSet: {
    takesArgument: true,
    reads: false,
    result: (state, argument) => equal(state, casParts(argument).expected),
    next: (state, argument) => {
      const { expected, value } = casParts(argument);
      return equal(state, expected) ? value : state;
    },
  },
};

export function equal(a: OperationResult, b: OperationResult): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}

export function resultIn(state: State, operation: Operation): OperationResult {
  return specification[operation.kind].result(state, argumentOf(operation));
}

export function stateAfter(state: State, operation: Operation): State {
  return specification[operation.kind].next(state, argumentOf(operation));
}

/** Whether the operation may take effect in this state. A pending one told nobody its result: always. */
export function fits(state: State, operation: Operation): boolean {
  return isPending(operation) || equal(resultIn(state, operation), operation.result);
}

/** The rules of kinds without an argument don't look at it. */
function argumentOf(operation: Operation): number {
  return operation.argument ?? Number.NaN;
}
