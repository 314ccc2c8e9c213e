/**
 * Is a history linearizable: is there one order of its operations, each at some moment between its call and its
 * return, in which the sequential specification gives every result that was seen?
 *
 * The search of Wing and Gong (1993) with the cache of Lowe (2017), as porcupine does it. Linearizability is
 * compositional (Herlihy and Wing), so each key is searched alone. Operations of one thread on one key follow
 * each other, so how far a search has come is one count a thread, and what may come next is the next operation
 * of a thread that was called before the first return among those that are left.
 *
 * One rule prunes. A read that may come next and fits is taken at once, and nothing else is tried in its place:
 * any order that works from here still works with the read moved to its front. That holds for kinds that never
 * change a state; a delete of what is absent changes nothing here, yet may be needed later.
 *
 * The cost grows with the operations that overlap on one key: 8 threads on a single key are checked in seconds,
 * 16 may need minutes and gigabytes. A violation is only known when the search is exhausted, and each pending
 * operation on its key makes that longer: five or six cost a second, a dozen a minute.
 */
import { createConfigurationSet } from "./configuration-set.ts";
import type { Operation } from "./history.ts";
import { isPending } from "./history.ts";
import type { State } from "./specification.ts";
import { fits, specification, stateAfter } from "./specification.ts";

export type CheckResult =
  | { readonly ok: true; readonly operations: number; readonly keys: number }
  | ({ readonly ok: false; readonly key: number } & Stuck);

interface Stuck {
  /** An order of as many completed operations of the key as any order gets through. */
  readonly longestPrefix: readonly Operation[];
  /** The completed ones that may come next by their time, none of which fits. */
  readonly stuckOn: readonly Operation[];
}

/**
 * The operations in any order. Reports the first key, in order of appearance, that has no linearization. Throws
 * where it is no history: a thread that overlaps itself on a key, a return before its call, a missing argument.
 */
export function checkLinearizable(history: readonly Operation[]): CheckResult {
  const keys = Map.groupBy(history, (operation) => operation.key);
  for (const [key, operations] of keys) {
    const stuck = search(sequencesOf(operations));
    if (stuck !== undefined) return { ok: false, key, ...stuck };
  }
  return { ok: true, operations: history.length, keys: keys.size };
}

/** Each thread's operations on one key, in their order. */
function sequencesOf(operations: readonly Operation[]): Operation[][] {
  const sequences = [...Map.groupBy(operations, (operation) => operation.thread).values()];
  for (const sequence of sequences) {
    sequence.sort((a, b) => a.call - b.call);
    let previous = Number.NEGATIVE_INFINITY;
    for (const operation of sequence) {
      if (operation.call <= previous || !(operation.return > operation.call))
        throw new Error(`Thread ${operation.thread} overlaps itself at ${JSON.stringify(operation)}.`);
      if (specification[operation.kind].takesArgument !== (operation.argument !== undefined))
        throw new Error(`An argument is missing or too many in ${JSON.stringify(operation)}.`);
      previous = operation.return;
    }
  }
  return sequences;
}

const NONE = -1;

/** undefined where there is a linearization. Depth first; the stack is in arrays, as deep as the history. */
function search(sequences: readonly (readonly Operation[])[]): Stuck | undefined {
  const threads = sequences.length;
  const operations = sequences.reduce((total, sequence) => total + sequence.length, 0);
  const visited = createConfigurationSet(threads);
  /** How many operations of each thread are in the order. */
  const counts = new Int32Array(threads);
  /** The order so far: whose operation each step took, and the state before it. */
  const order = new Int32Array(operations);
  const statesBefore: State[] = [];
  let depth = 0;
  let state: State;
  // Pending operations may be left out.
  let remaining = sequences.reduce((total, s) => total + s.filter((o) => !isPending(o)).length, 0);

  const longest = new Int32Array(operations);
  let longestDepth = 0;
  let fewestRemaining = remaining;
  /** `order` and `longest` agree up to here: only what is beyond is copied, so all copies together stay small. */
  let agreed = 0;

  const next = (thread: number): Operation | undefined => sequences[thread]![counts[thread]!];

  /** Candidates are tried in the order of their returns, pending ones last: what ends first mostly came first. */
  const precedes = (a: number, b: number): boolean => {
    const returnA = next(a)!.return;
    const returnB = next(b)!.return;
    return returnA < returnB || (returnA === returnB && a < b);
  };
  const reads = (thread: number): boolean => specification[next(thread)!.kind].reads;

  /** The thread whose operation to try here after that of `tried` has failed. */
  function nextCandidate(tried: number): number {
    if (tried !== NONE && reads(tried)) return NONE;
    const deadline = firstReturn(sequences, counts);
    let chosen = NONE;
    for (let thread = 0; thread < threads; thread++) {
      const operation = next(thread);
      if (operation === undefined || operation.call > deadline || !fits(state, operation)) continue;
      // A pending read told nobody anything, and nobody depends on it.
      if (reads(thread) && isPending(operation)) continue;
      if (tried === NONE && reads(thread)) return thread;
      if (tried !== NONE && !precedes(tried, thread)) continue;
      if (chosen === NONE || precedes(thread, chosen)) chosen = thread;
    }
    return chosen;
  }

  let tried = NONE;
  while (remaining > 0) {
    const thread = nextCandidate(tried);
    if (thread !== NONE) {
      const operation = next(thread)!;
      const after = stateAfter(state, operation);
      counts[thread]!++;
      if (visited.add(counts, after)) {
        order[depth] = thread;
        statesBefore[depth++] = state;
        state = after;
        tried = NONE;
        if (!isPending(operation)) remaining--;
        if (remaining < fewestRemaining) {
          fewestRemaining = remaining;
          longestDepth = depth;
          for (; agreed < depth; agreed++) longest[agreed] = order[agreed]!;
        }
      } else {
        counts[thread]!--;
        tried = thread;
      }
      continue;
    }
    if (depth === 0) return stuckAfter(sequences, longest.subarray(0, longestDepth));
    tried = order[--depth]!;
    agreed = Math.min(agreed, depth);
    counts[tried]!--;
    if (!isPending(next(tried)!)) remaining++;
    state = statesBefore[depth];
  }
  return undefined;
}

/** Nothing that was called later than this may come next. */
function firstReturn(sequences: readonly (readonly Operation[])[], counts: Int32Array): number {
  let first = Number.POSITIVE_INFINITY;
  for (let thread = 0; thread < sequences.length; thread++) {
    const operation = sequences[thread]![counts[thread]!];
    if (operation !== undefined && operation.return < first) first = operation.return;
  }
  return first;
}

function stuckAfter(sequences: readonly (readonly Operation[])[], order: Int32Array): Stuck {
  const counts = new Int32Array(sequences.length);
  const longestPrefix = Array.from(order, (thread) => sequences[thread]![counts[thread]!++]!);
  const deadline = firstReturn(sequences, counts);
  const stuckOn = sequences
    .map((sequence, thread) => sequence[counts[thread]!])
    .filter((operation) => operation !== undefined)
    .filter((operation) => operation.call <= deadline && !isPending(operation));
  return { longestPrefix, stuckOn };
}
