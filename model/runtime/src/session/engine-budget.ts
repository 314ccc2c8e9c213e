/**
 * Engine threads of a whole process: a run takes as many as its session has, and the threads of all runs in
 * the engine at once stay within the budget. More would only take each other's cores.
 *
 * Sessions take their threads in the order they ask for them, one run a turn. One that has more threads than
 * the budget takes all of it, alone. Nobody who holds threads waits for more, so there is no deadlock.
 *
 * The budget is shared memory, since runs begin in the sessions' own threads: an owner that is busy with
 * something else must not leave the engine idle. Its words are changed under a lock that is held for
 * microseconds; `held` of a place is also what its session sleeps on. A session's owner leaves for it when its
 * thread has died, so what it held or waited for is given back. A thread that is stopped with the lock would stop
 * everybody, so that a session's thread takes it only where process exit waits for it (`exit-guard.ts`).
 */
import { availableParallelism } from "node:os";
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";
import { baseErrors, cancellation } from "@cupel/base";
import { type GuardMemory, unlessLeaving } from "./exit-guard.ts";

export type BudgetMemory = Int32Array<SharedArrayBuffer>;

/** A session's place in the budget. Places are used again, so an owner's number says whose it is. */
export interface BudgetPlace {
  readonly index: number;
  readonly owner: number;
}

/** Sessions open at once; each is a thread, so that memory ends first. */
const places = 1024;

/** Words of the memory; from `first` on, three tables and the queue, each of one word a place. */
const word = { lock: 0, limit: 1, used: 2, waiting: 3, owners: 4, first: 5 } as const;
const owner = (index: number) => word.first + index;
const threads = (index: number) => word.first + places + index;
const held = (index: number) => word.first + 2 * places + index;
const queued = (position: number) => word.first + 3 * places + position;

/** Of `held`: the number of engine threads that a run has taken, or one of these. */
const none = 0;
const waits = -1;

export class EngineBudget {
  readonly memory: BudgetMemory;
  readonly #guard: GuardMemory | null;

  /** @param guard of the session's thread, in it: what `acquire` and `release` would change is left out once leaving */
  constructor(memory: BudgetMemory, guard: GuardMemory | null = null) {
    this.memory = memory;
    this.#guard = guard;
  }

  static create(limit: number): EngineBudget {
    const bytes = (word.first + 4 * places) * Int32Array.BYTES_PER_ELEMENT;
    const memory = new Int32Array(new SharedArrayBuffer(bytes));
    memory[word.limit] = limit;
    return new EngineBudget(memory);
  }

  get limit(): number {
    return Atomics.load(this.memory, word.limit);
  }

  /** Threads of the runs in the engine now. */
  get used(): number {
    return Atomics.load(this.memory, word.used);
  }

  setLimit(limit: number): void {
    this.#locked((memory) => {
      memory[word.limit] = limit;
      this.#grant(memory);
    });
  }

  /** @param engineThreads what each run takes; below 1, all of the budget. @throws INTERNAL when all places are taken */
  join(engineThreads: number): BudgetPlace {
    return this.#locked((memory) => {
      const index = memory.subarray(owner(0), owner(places)).indexOf(none);
      if (index < 0) throw baseErrors.error("INTERNAL", `More than ${places} sessions are open.`);
      const number = ++memory[word.owners]! || ++memory[word.owners]!;
      memory[owner(index)] = number;
      memory[threads(index)] = engineThreads;
      memory[held(index)] = none;
      return { index, owner: number };
    });
  }

  /** Gives back the place and what it holds. May be called again. */
  leave(place: BudgetPlace): void {
    this.#locked((memory) => {
      if (!isOf(memory, place)) return;
      this.#giveBack(memory, place.index);
      memory[owner(place.index)] = none;
    });
  }

  /**
   * Resolves when the run may begin; a `release` MUST follow. For a place that was left there is no run to
   * wait for: the process is ending. @throws CANCELLED when `signal` fires first
   */
  async acquire(place: BudgetPlace, signal: AbortSignal): Promise<void> {
    const at = held(place.index);
    this.#guarded((memory) => {
      if (!isOf(memory, place)) return;
      memory[at] = waits;
      memory[queued(memory[word.waiting]!++)] = place.index;
      this.#grant(memory);
    });
    if (Atomics.load(this.memory, at) !== waits) return;
    const abandon = () => this.release(place);
    signal.addEventListener("abort", abandon);
    while (Atomics.load(this.memory, at) === waits) await Atomics.waitAsync(this.memory, at, waits).value;
    signal.removeEventListener("abort", abandon);
    if (signal.aborted) throw cancellation("The run", signal);
  }

  /** Gives back what the place holds or waits for, if anything. */
  release(place: BudgetPlace): void {
    this.#guarded((memory) => {
      if (isOf(memory, place)) this.#giveBack(memory, place.index);
    });
  }

  #giveBack(memory: BudgetMemory, index: number): void {
    const amount = memory[held(index)]!;
    if (amount === none) return;
    if (amount === waits) {
      const position = memory.indexOf(index, queued(0));
      memory.copyWithin(position, position + 1, queued(memory[word.waiting]!--));
    } else {
      memory[word.used]! -= amount;
    }
    this.#hold(memory, index, none);
    this.#grant(memory);
  }

  /** To whoever waits, in turn, as long as it fits: a wide run is not overtaken by narrow ones. */
  #grant(memory: BudgetMemory): void {
    while (memory[word.waiting]! > 0) {
      const index = memory[queued(0)]!;
      const wanted = memory[threads(index)]!;
      const limit = memory[word.limit]!;
      const amount = wanted < 1 ? limit : Math.min(wanted, limit);
      if (memory[word.used]! + amount > limit) return;
      memory.copyWithin(queued(0), queued(1), queued(memory[word.waiting]!--));
      memory[word.used]! += amount;
      this.#hold(memory, index, amount);
    }
  }

  #hold(memory: BudgetMemory, index: number, amount: number): void {
    Atomics.store(memory, held(index), amount);
    Atomics.notify(memory, held(index));
  }

  #guarded(work: (memory: BudgetMemory) => void): void {
    const guard = this.#guard;
    if (guard === null) this.#locked(work);
    else unlessLeaving(guard, () => this.#locked(work));
  }

  #locked<Result>(work: (memory: BudgetMemory) => Result): Result {
    const { memory } = this;
    while (Atomics.compareExchange(memory, word.lock, 0, 1) !== 0) Atomics.wait(memory, word.lock, 1);
    try {
      return work(memory);
    } finally {
      Atomics.store(memory, word.lock, 0);
      // All: the one that is woken may be stopped before it looks.
      Atomics.notify(memory, word.lock);
    }
  }
}

function isOf(memory: BudgetMemory, place: BudgetPlace): boolean {
  return memory[owner(place.index)] === place.owner;
}

const environmentKey = "cupel.engine-budget.1";
let shared: EngineBudget | null = null;

/** The budget of this process, as far as it is shared: see `setEngineThreads`. */
export function engineBudget(): EngineBudget {
  if (shared) return shared;
  const inherited = getEnvironmentData(environmentKey);
  if (inherited instanceof Int32Array && inherited.buffer instanceof SharedArrayBuffer) {
    shared = new EngineBudget(new Int32Array(inherited.buffer));
  } else {
    shared = EngineBudget.create(availableParallelism());
    setEnvironmentData(environmentKey, shared.memory);
  }
  return shared;
}

/**
 * Sets how many engine threads the runs of all sessions may have at once. A run waits until its session's
 * threads fit in, first come, first served; a session that has more takes all of them, alone. Default: the
 * cores this process may use. Holds from the next run on.
 *
 * Worker threads share the budget of the thread that started them when it had called this, or opened a
 * session, before. Others, and other processes, have budgets of their own.
 * @param threads at least 1
 * @throws OPTION_INVALID
 */
export function setEngineThreads(threads: number): void {
  if (!Number.isInteger(threads) || threads < 1 || threads > 2 ** 16) {
    throw baseErrors.error(
      "OPTION_INVALID",
      `The number of engine threads must be a whole number from 1 to 65536, not ${threads}.`,
      { details: { threads } },
    );
  }
  engineBudget().setLimit(threads);
}

/** How many engine threads the runs of all sessions may have at once. */
export function engineThreads(): number {
  return engineBudget().limit;
}
