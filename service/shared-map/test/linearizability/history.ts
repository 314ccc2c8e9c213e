/**
 * A history: what threads asked of one shared map, what they were answered, and when, as the checker of
 * linearizability reads it (Herlihy and Wing 1990). Time is a ticket of one atomic counter that all threads
 * draw from: an operation that returned before another was called has the smaller ticket, on any machine.
 *
 * Threads record into rows of shared memory that exist before they start: a recorder that allocated would
 * collect garbage between the two tickets, which widens the intervals and hides violations. A row is published
 * before its operation starts, so that the operation a terminated thread was in is in the history too.
 *
 *   rows:  published (int32) + padding to 16 bytes | row 0 | row 1 | ...
 *   row:   thread, key, kind, tags (int32) | argument, result, call, return (float64)    48 bytes
 */

export const operationKinds = [
  "get",
  "has",
  "set",
  "delete",
  "add",
  "compute",
  /** A compute whose function returns undefined, which deletes. */
  "computeDelete",
  "getOrInsert",
  "setIfAbsent",
  /** Expected value and new one in one argument: `casArgument` of specification.ts. */
  "compareAndSet",
] as const;
export type OperationKind = (typeof operationKinds)[number];

export type OperationResult = number | boolean | undefined;

export interface Operation {
  /** A thread does one operation after another. A replacement of a terminated thread MUST get a new number. */
  readonly thread: number;
  readonly key: number;
  readonly kind: OperationKind;
  /** undefined for the kinds that take none. */
  readonly argument: number | undefined;
  /** undefined while pending. */
  readonly result: OperationResult;
  readonly call: number;
  /** Infinity for an operation that never returned: it takes effect at any time after its call, or never. */
  readonly return: number;
}

export function isPending(operation: Operation): boolean {
  return operation.return === Number.POSITIVE_INFINITY;
}

const HEADER_BYTES = 16;
const ROW_BYTES = 48;
const ROW_INTS = ROW_BYTES / 4;
const ROW_DOUBLES = ROW_BYTES / 8;
const THREAD = HEADER_BYTES / 4;
const KEY = THREAD + 1;
const KIND = THREAD + 2;
const TAGS = THREAD + 3;
const ARGUMENT = HEADER_BYTES / 8 + 2;
const RESULT = ARGUMENT + 1;
const CALL = ARGUMENT + 2;
const RETURN = ARGUMENT + 3;

// What a float64 can't say of the argument and of the result.
const HAS_ARGUMENT = 1;
const NUMBER_RESULT = 2;
const BOOLEAN_RESULT = 4;

/** Memory for as many operations of one thread; 100,000 are 4.8 MB. */
export function createRows(capacity: number): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + capacity * ROW_BYTES);
}

/** The counter that all recorders of a history share. It lasts for 2 ** 30 operations. */
export function createTickets(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** `call`, the operation itself, `return`: nothing else belongs between the two. */
export interface Recorder {
  /** Throws a RangeError once the rows are full. */
  call(kind: OperationKind, key: number, argument?: number): void;
  return(result: OperationResult): void;
}

/** Each thread has rows of its own. Neither method allocates. */
export function createRecorder(
  rows: SharedArrayBuffer,
  tickets: Int32Array<SharedArrayBuffer>,
  thread: number,
): Recorder {
  const ints = new Int32Array(rows);
  const doubles = new Float64Array(rows);
  const capacity = Math.floor((rows.byteLength - HEADER_BYTES) / ROW_BYTES);
  let row = -1;
  return {
    call(kind, key, argument) {
      if (row + 1 >= capacity) throw new RangeError(`The rows of thread ${thread} are full: ${capacity}.`);
      row++;
      const int = row * ROW_INTS;
      const double = row * ROW_DOUBLES;
      ints[int + THREAD] = thread;
      ints[int + KEY] = key;
      ints[int + KIND] = operationKinds.indexOf(kind);
      ints[int + TAGS] = argument === undefined ? 0 : HAS_ARGUMENT;
      doubles[double + ARGUMENT] = argument ?? 0;
      doubles[double + RETURN] = Number.POSITIVE_INFINITY;
      doubles[double + CALL] = Atomics.add(tickets, 0, 1);
      Atomics.store(ints, 0, row + 1);
    },
    return(result) {
      const ticket = Atomics.add(tickets, 0, 1);
      const double = row * ROW_DOUBLES;
      doubles[double + RESULT] = Number(result ?? 0);
      if (result !== undefined)
        ints[row * ROW_INTS + TAGS]! |= typeof result === "number" ? NUMBER_RESULT : BOOLEAN_RESULT;
      // Last: a thread that is terminated before has left a pending operation, never half a result.
      doubles[double + RETURN] = ticket;
    },
  };
}

/** The operations of one thread, in order, once it has ended. Several threads': concatenate. */
export function decodeRows(rows: SharedArrayBuffer): Operation[] {
  const ints = new Int32Array(rows);
  const doubles = new Float64Array(rows);
  return Array.from({ length: Atomics.load(ints, 0) }, (_, row): Operation => {
    const int = row * ROW_INTS;
    const double = row * ROW_DOUBLES;
    const tags = ints[int + TAGS]!;
    const pending = doubles[double + RETURN] === Number.POSITIVE_INFINITY;
    return {
      thread: ints[int + THREAD]!,
      key: ints[int + KEY]!,
      kind: operationKinds[ints[int + KIND]!]!,
      argument: (tags & HAS_ARGUMENT) === 0 ? undefined : doubles[double + ARGUMENT]!,
      result: pending ? undefined : resultOf(tags, doubles[double + RESULT]!),
      call: doubles[double + CALL]!,
      return: doubles[double + RETURN]!,
    };
  });
}

function resultOf(tags: number, result: number): OperationResult {
  if ((tags & NUMBER_RESULT) !== 0) return result;
  return (tags & BOOLEAN_RESULT) !== 0 ? result === 1 : undefined;
}
