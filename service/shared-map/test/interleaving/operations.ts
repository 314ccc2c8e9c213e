/**
 * The functions of `src/core/machine.ts`, by what a scheduler has to know of them. Operations are atomic or
 * block: a thread stops before each and the scheduler decides who goes on. Everything else is done at once.
 */

export interface Operation {
  readonly name: string;
  /** Bytes at its address, 0 where it has none. */
  readonly bytes: 0 | 4 | 8;
  /** Whether its order among accesses to the same place can matter even to reads. */
  readonly writes: boolean;
  readonly parameters: number;
}

export const LOAD = 0;
export const STORE = 1;
export const ADD = 2;
export const EXCHANGE = 3;
export const COMPARE_EXCHANGE = 4;
export const LOAD_CONTROL = 5;
export const STORE_CONTROL_BYTE = 6;
export const LOAD_INTEGER = 7;
export const STORE_INTEGER = 8;
export const ADD_INTEGER = 9;
export const COMPARE_EXCHANGE_INTEGER = 10;
export const WAIT = 11;
export const NOTIFY = 12;
/** Nothing but a moment between two plain stores, at which a thread can die. Not called by programs. */
export const PAUSE = 13;
/** What a thread does next that a notify has woken. Not called by programs. */
export const RESUME = 14;

/** By number. Waiting counts as a write: who waits first is woken first. */
export const operations: readonly Operation[] = [
  { name: "atomicLoad", bytes: 4, writes: false, parameters: 1 },
  { name: "atomicStore", bytes: 4, writes: true, parameters: 2 },
  { name: "atomicAdd", bytes: 4, writes: true, parameters: 2 },
  { name: "atomicExchange", bytes: 4, writes: true, parameters: 2 },
  { name: "compareExchange", bytes: 4, writes: true, parameters: 3 },
  { name: "atomicLoadControl", bytes: 8, writes: false, parameters: 1 },
  { name: "atomicStoreControlByte", bytes: 8, writes: true, parameters: 3 },
  { name: "atomicLoadInteger", bytes: 8, writes: false, parameters: 1 },
  { name: "atomicStoreInteger", bytes: 8, writes: true, parameters: 2 },
  { name: "atomicAddInteger", bytes: 8, writes: true, parameters: 2 },
  { name: "compareExchangeInteger", bytes: 8, writes: true, parameters: 3 },
  { name: "wait", bytes: 4, writes: true, parameters: 3 },
  { name: "notify", bytes: 4, writes: true, parameters: 2 },
  { name: "pause", bytes: 0, writes: false, parameters: 0 },
  { name: "resume", bytes: 0, writes: false, parameters: 0 },
];

export const operationNumbers: ReadonlyMap<string, number> = new Map(
  operations.slice(0, PAUSE).map(({ name }, i) => [name, i]),
);

/** Plain accesses to memory, which race detection has to see. */
export const plainAccesses: ReadonlySet<string> = new Set([
  "load8",
  "store8",
  "load32",
  "store32",
  "loadF64",
  "storeF64",
  "copyBytes",
  "fillZero",
  "equalBytes",
]);

export const plainStores: ReadonlySet<string> = new Set([
  "store8",
  "store32",
  "storeF64",
  "copyBytes",
  "fillZero",
]);

/** What `wait` returns, in the numbers of WebAssembly. */
export const WOKEN = 0;
export const NOT_EQUAL = 1;
export const TIMED_OUT = 2;
