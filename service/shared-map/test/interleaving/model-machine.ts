/**
 * The core's machine for model checking: one ordinary memory, which can go back to a snapshot, keeps a hash of
 * what it holds, and knows which thread is at work.
 *
 * A thread's own state is a function of what it was given: results of operations and of plain loads. So a hash
 * of these, beside that of the memory, tells states apart. When races are looked for, what a thread was given
 * includes its vector clock: then schedules are taken as one state only if they order accesses alike.
 */
import {
  ADD,
  ADD_INTEGER,
  COMPARE_EXCHANGE,
  COMPARE_EXCHANGE_INTEGER,
  EXCHANGE,
  LOAD,
  LOAD_CONTROL,
  LOAD_INTEGER,
  NOT_EQUAL,
  NOTIFY,
  operationNumbers,
  operations,
  PAUSE,
  STORE,
  STORE_CONTROL_BYTE,
  STORE_INTEGER,
  TIMED_OUT,
  WAIT,
} from "./operations.ts";
import { createRaceDetector, type RaceDetector } from "./race-detector.ts";

/** Eight control bytes. The core hands them from one machine function to the next only. */
export interface Control {
  readonly low: number;
  readonly high: number;
}
export type Result = number | boolean | Control;

/** A thread: it yields what one of `machine.operations` returned, and gets that operation's result. */
export type Program<R = void> = Generator<number, R, number>;

/** The operation that a thread is about to do. */
export interface Request {
  operation: number;
  site: number;
  a: number;
  b: number;
  c: number;
}

export const maxThreads = 16;
/** Who is at work outside of threads: preparing, and looking at the end. */
const NOBODY = maxThreads;

export type ModelMachine = ReturnType<typeof createModelMachine>;

export function createModelMachine(byteLength: number) {
  const buffer = new ArrayBuffer(byteLength);
  const bytes = new Uint8Array(buffer);
  const words = new Int32Array(buffer);
  const doubles = new Float64Array(buffer);
  const longs = new BigInt64Array(buffer);
  const wordCount = words.length;
  // Values of 64 bits pass through here to become two words.
  const pair = new Int32Array(2);
  const pairDouble = new Float64Array(pair.buffer);
  const pairLong = new BigInt64Array(pair.buffer);

  let thread = NOBODY;
  const histories = new Int32Array((maxThreads + 1) * 2);
  let hashLow = 0;
  let hashHigh = 0;
  let races: RaceDetector | undefined;
  /** Functions of the program by site, where it has them. */
  const siteNames: string[] = [""];
  const request: Request = { operation: 0, site: 0, a: 0, b: 0, c: 0 };

  // The words changed since the snapshot, with what they were.
  const changedIn = new Int32Array(wordCount);
  const changed = new Int32Array(wordCount);
  const before = new Int32Array(wordCount);
  let changes = 0;
  let run = 1;
  /** Identities of threads that everybody can know to have ended. */
  const proven = new Set<number>();
  const provenAtSnapshot = new Set<number>();

  function fold(value: number): void {
    const at = thread * 2;
    const low = Math.imul(histories[at]! ^ value, 0x9e3779b1);
    const high = Math.imul((histories[at + 1]! + value) | 0, 0x85ebca6b);
    histories[at] = low ^ (low >>> 15);
    histories[at + 1] = high ^ (high >>> 13);
  }

  function wordOf(address: number): number {
    const word = address >>> 2;
    if ((address & 3) !== 0 || word >= wordCount) throw new RangeError(`no word at address ${address}`);
    return word;
  }
  function pairOf(address: number): number {
    if ((address & 7) !== 0) throw new RangeError(`no 64-bit word at address ${address}`);
    return wordOf(address);
  }

  /** Notes in the hash and for the way back that a word is no longer `old`. */
  function note(word: number, old: number): void {
    const value = words[word]!;
    if (old === value) return;
    if (changedIn[word] !== run) {
      changedIn[word] = run;
      changed[changes] = word;
      before[changes++] = old;
    }
    hashLow = (hashLow + mixLow(word, value) - mixLow(word, old)) | 0;
    hashHigh = (hashHigh + mixHigh(word, value) - mixHigh(word, old)) | 0;
  }
  function put(word: number, value: number): void {
    const old = words[word]!;
    words[word] = value;
    note(word, old);
  }
  function putPair(word: number): void {
    put(word, pair[0]!);
    put(word + 1, pair[1]!);
  }

  // Race detection: of all words from `from` to before `to`.
  function sawPlain(writes: boolean, from: number, to: number, site: number): void {
    if (races === undefined || thread === NOBODY) return;
    for (let word = from; word < to; word++) {
      if (writes) races.plainWrite(thread, word, site);
      else races.plainRead(thread, word, site);
    }
  }
  function sawAtomic(reads: boolean, writes: boolean, word: number, count: number, site: number): void {
    if (races === undefined || thread === NOBODY) return;
    for (let i = word; i < word + count; i++) {
      if (reads && races.atomicRead(thread, i, site)) {
        for (let u = 0; u < races.threads; u++) fold(races.clock(thread, u));
      }
    }
    for (let i = word; i < word + count; i++) if (writes) races.atomicWrite(thread, i, site);
  }

  function changeBytes(address: number, length: number, change: () => void, site: number): void {
    const from = address >>> 2;
    const to = (address + length + 3) >>> 2;
    if (to > wordCount) throw new RangeError(`no ${length} bytes at address ${address}`);
    sawPlain(true, from, to, site);
    const old = words.slice(from, to);
    change();
    for (let i = from; i < to; i++) note(i, old[i - from]!);
  }

  /** Does what a request asks, but for sleeping and waking. */
  function execute({ operation, site, a, b, c }: Request): Result {
    if (operation === PAUSE) return 0;
    const isPair = operations[operation]!.bytes === 8;
    const word = isPair ? pairOf(a) : wordOf(a);
    const old = words[word]!;
    if (operation === LOAD || operation === WAIT) {
      sawAtomic(true, false, word, 1, site);
      fold(old);
      return old;
    }
    if (operation === STORE) {
      sawAtomic(false, true, word, 1, site);
      put(word, b | 0);
      return 0;
    }
    if (operation === COMPARE_EXCHANGE) {
      const succeeds = old === (b | 0);
      sawAtomic(true, succeeds, word, 1, site);
      fold(old);
      if (succeeds) put(word, c | 0);
      return old;
    }
    if (operation === ADD || operation === EXCHANGE) {
      sawAtomic(true, true, word, 1, site);
      fold(old);
      put(word, operation === ADD ? (old + b) | 0 : b | 0);
      return old;
    }
    if (operation === NOTIFY) return 0;
    const reads = operation !== STORE_INTEGER && operation !== STORE_CONTROL_BYTE;
    const succeeds = operation !== COMPARE_EXCHANGE_INTEGER || longs[word >>> 1] === BigInt(b);
    sawAtomic(reads, operations[operation]!.writes && succeeds, word, 2, site);
    if (reads) {
      fold(old);
      fold(words[word + 1]!);
    }
    if (operation === LOAD_CONTROL) return { low: old, high: words[word + 1]! };
    if (operation === STORE_CONTROL_BYTE) {
      const shift = (b & 3) << 3;
      const half = word + (b >>> 2);
      put(half, (words[half]! & ~(0xff << shift)) | (c << shift));
      return 0;
    }
    if (operation === LOAD_INTEGER) return Number(longs[word >>> 1]);
    if (operation === STORE_INTEGER) pairLong[0] = BigInt(b);
    else if (operation === ADD_INTEGER) pairLong[0] = longs[word >>> 1]! + BigInt(b);
    else if (operation === COMPARE_EXCHANGE_INTEGER && succeeds) pairLong[0] = BigInt(c);
    const result = operation === ADD_INTEGER ? Number(pairLong[0]) : succeeds;
    if (succeeds) putPair(word);
    return result;
  }

  /** The functions of `src/core/machine.ts` that are no operations. `site` is where the program calls them. */
  const plain = {
    load8(address: number, site = 0): number {
      sawPlain(false, address >>> 2, (address >>> 2) + 1, site);
      const value = bytes[address >>> 0]!;
      fold(value);
      return value;
    },
    store8(address: number, value: number, site = 0): void {
      const word = address >>> 2;
      sawPlain(true, word, word + 1, site);
      const old = words[word]!;
      bytes[address >>> 0] = value;
      note(word, old);
    },
    load32(address: number, site = 0): number {
      const word = wordOf(address);
      if (races !== undefined) sawPlain(false, word, word + 1, site);
      const value = words[word]!;
      fold(value);
      return value;
    },
    store32(address: number, value: number, site = 0): void {
      const word = wordOf(address);
      if (races !== undefined) sawPlain(true, word, word + 1, site);
      put(word, value);
    },
    loadF64(address: number, site = 0): number {
      const word = pairOf(address);
      sawPlain(false, word, word + 2, site);
      fold(words[word]!);
      fold(words[word + 1]!);
      return doubles[word >>> 1]!;
    },
    storeF64(address: number, value: number, site = 0): void {
      const word = pairOf(address);
      sawPlain(true, word, word + 2, site);
      pairDouble[0] = value;
      putPair(word);
    },
    copyBytes(target: number, source: number, length: number, site = 0): void {
      sawPlain(false, source >>> 2, (source + length + 3) >>> 2, site);
      changeBytes(target, length, () => bytes.copyWithin(target, source, source + length), site);
    },
    fillZero(address: number, length: number, site = 0): void {
      changeBytes(address, length, () => bytes.fill(0, address, address + length), site);
    },
    equalBytes(a: number, b: number, length: number, site = 0): boolean {
      sawPlain(false, a >>> 2, (a + length + 3) >>> 2, site);
      sawPlain(false, b >>> 2, (b + length + 3) >>> 2, site);
      let i = 0;
      while (i < length && bytes[a + i] === bytes[b + i]) i++;
      fold(i < length ? 0 : 1);
      return i >= length;
    },
    multiply: Math.imul,
    rotateLeft: (value: number, count: number) => (value << count) | (value >>> (32 - count)),
    countLeadingZeros: Math.clz32,
    countTrailingZeros: (value: number) => 31 - Math.clz32(value & -value),
    matchByte({ low, high }: Control, value: number): number {
      let found = 0;
      for (let i = 0; i < 4; i++) {
        if (((low >>> (i << 3)) & 0xff) === value) found |= 1 << i;
        if (((high >>> (i << 3)) & 0xff) === value) found |= 16 << i;
      }
      return found;
    },
    matchFull: ({ low, high }: Control) => highBits(low) | (highBits(high) << 4),
    lessUnsigned: (a: number, b: number) => a >>> 0 < b >>> 0,
    isSafeInteger: Number.isSafeInteger,
    /** Of a thread that the scenario has told to be dead: `prove`. */
    isDead(identity: number): boolean {
      const isProven = proven.has(identity);
      fold(isProven ? 1 : 0);
      return isProven;
    },
  };

  /** Sets what the running thread is about to do. Programs yield the value. */
  function ask(operation: number, site: number, a: number, b = 0, c = 0): number {
    request.operation = operation;
    request.site = site;
    request.a = a;
    request.b = b;
    request.c = c;
    return operation;
  }
  const asking = (name: string) => {
    const operation = operationNumbers.get(name)!;
    return (a: number, b = 0, c = 0) => ask(operation, 0, a, b, c);
  };

  return {
    buffer,
    words,
    plain,
    ask,
    request,
    execute,
    fold,
    siteNames,
    /** For programs written by hand: `const value = yield atomicLoad(address)`. */
    operations: {
      atomicLoad: asking("atomicLoad"),
      atomicStore: asking("atomicStore"),
      atomicAdd: asking("atomicAdd"),
      atomicExchange: asking("atomicExchange"),
      compareExchange: asking("compareExchange"),
      wait: (address: number, expected: number, milliseconds = Number.POSITIVE_INFINITY) =>
        ask(WAIT, 0, address, expected, milliseconds),
      notify: asking("notify"),
    },
    /** What the memory holds now is where `reset` returns to. */
    snapshot(): void {
      for (const identity of proven) provenAtSnapshot.add(identity);
      changes = 0;
      hashLow = 0;
      hashHigh = 0;
      run++;
    },
    reset(): void {
      while (changes > 0) {
        changes--;
        words[changed[changes]!] = before[changes]!;
      }
      run++;
      proven.clear();
      for (const identity of provenAtSnapshot) proven.add(identity);
      hashLow = 0;
      hashHigh = 0;
      histories.fill(0);
      races?.reset();
    },
    /** From now on, or until `reset`, the thread of that identity is known to have ended. */
    prove(identity: number): void {
      proven.add(identity);
    },
    /** The thread that the next accesses are of; none without. */
    enter(index: number = NOBODY): void {
      thread = index;
    },
    hashLow: () => hashLow,
    hashHigh: () => hashHigh,
    histories,
    /** From the next reset on. */
    detectRaces(threads: readonly string[]): void {
      const nameOf = (index: number, site: number) =>
        siteNames[site] ? `${siteNames[site]} in ${threads[index]}` : threads[index]!;
      races = threads.length === 0 ? undefined : createRaceDetector(wordCount, threads.length, nameOf);
    },
    /** `later` begins with the knowledge of `earlier`. */
    join(later: number, earlier: number): void {
      races?.join(later, earlier);
    },
  };
}

/** Runs a program to its end with no other thread: to prepare a memory, and to look at it. */
export function runAlone(machine: ModelMachine, program: Generator<number, unknown, Result>): unknown {
  machine.enter();
  let step = program.next();
  while (!step.done) {
    const { operation, b } = machine.request;
    const result = machine.execute(machine.request);
    // Nobody is there who could wake it.
    step = program.next(operation !== WAIT ? result : result === (b | 0) ? TIMED_OUT : NOT_EQUAL);
  }
  return step.value;
}

function highBits(word: number): number {
  return ((word >>> 7) & 1) | ((word >>> 14) & 2) | ((word >>> 21) & 4) | ((word >>> 28) & 8);
}

// A word's part in the hash of the memory, in two halves that have nothing in common. After Murmur3's finisher.
function mixLow(word: number, value: number): number {
  let x = (Math.imul(value, 0x85ebca6b) + Math.imul(word, 0x9e3779b1)) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return x ^ (x >>> 16);
}
function mixHigh(word: number, value: number): number {
  let x = Math.imul(value ^ (value >>> 15), 0xc2b2ae35) ^ Math.imul(word + 1, 0x27d4eb2f);
  x = Math.imul(x ^ (x >>> 13), 0x165667b1);
  x = Math.imul(x ^ (x >>> 16), 0xd3833e91);
  return x ^ (x >>> 15);
}
