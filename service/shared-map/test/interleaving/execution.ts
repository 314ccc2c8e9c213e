/**
 * One run of a scenario, a choice at a time: who may go on, what happens when one does, and what state that
 * leads to. Memory is sequentially consistent. A step is one operation and all plain accesses up to the next.
 */
import type { ModelMachine, Program, Request, Result } from "./model-machine.ts";
import { maxThreads } from "./model-machine.ts";
import { NOT_EQUAL, NOTIFY, operations, RESUME, TIMED_OUT, WAIT, WOKEN } from "./operations.ts";

export interface Scenario {
  /** Every run begins with the memory as it was at `machine.snapshot()`; all zero without. */
  readonly machine: ModelMachine;
  /** By name. Each call makes a thread's program anew; it MUST do the same when it gets the same results. */
  readonly threads: Readonly<Record<string, () => Program<unknown>>>;
  /** A thread that may die before any of its steps. */
  readonly kill?: string;
  /** Becomes a thread when the other one has died. */
  readonly recover?: () => Program<unknown>;
  /** Called when the one has died; makes it known. Without, nobody can tell it from one that is stopped. */
  readonly onDeath?: () => void;
  /** Names addresses where schedules are printed. */
  readonly nameOf?: (address: number) => string;
}

/** A run that is over. */
export interface Run {
  /** What each thread returned; undefined of one that did not end. */
  readonly results: Readonly<Record<string, unknown>>;
  readonly hasDied: boolean;
  /** Threads that sleep for ever. */
  readonly blocked: readonly string[];
  /** Sleeps that ended only because nobody else could do anything any more: lost wake-ups, or a dead thread's lock. */
  readonly timeouts: number;
  readonly steps: number;
}

// What a thread is doing.
const RUNNING = 0;
const ASLEEP = 1;
const ENDED = 2;
const DEAD = 3;
/** The recovering thread, as long as nobody has died. */
const UNBORN = 4;

const nothing: Request = { operation: RESUME, site: 0, a: 0, b: 0, c: 0 };

export class Execution {
  readonly names: readonly string[];
  /** The number of the choice that the one thread dies. */
  readonly death: number;
  readonly victim: number;
  /** What each thread does next. */
  readonly requests: Request[];
  /** Who made the last step. */
  last = -1;
  steps = 0;
  /** Set to have each step described. */
  trace: string[] | undefined;

  readonly #scenario: Scenario;
  readonly #machine: ModelMachine;
  readonly #programs: Generator<number, unknown, Result>[] = [];
  readonly #factories: (() => Program<unknown>)[];
  readonly #status: number[] = [];
  readonly #stepsOf: number[] = [];
  readonly #results: unknown[] = [];
  /** In the order in which they fell asleep. */
  #sleepers: number[] = [];
  #timeouts = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#machine = scenario.machine;
    this.names = Object.keys(scenario.threads);
    this.#factories = Object.values(scenario.threads);
    this.victim = scenario.kill === undefined ? -1 : this.names.indexOf(scenario.kill);
    if (scenario.kill !== undefined && this.victim < 0) throw new Error(`no thread ${scenario.kill}`);
    if (scenario.recover !== undefined) {
      this.names = [...this.names, "recovery"];
      this.#factories.push(scenario.recover);
    }
    if (this.names.length > maxThreads) throw new Error(`more than ${maxThreads} threads`);
    this.death = this.names.length;
    this.requests = this.names.map(() => ({ ...nothing }));
  }

  /** Back to the beginning. */
  start(): void {
    this.#machine.reset();
    this.last = -1;
    this.steps = 0;
    this.#sleepers = [];
    this.#timeouts = 0;
    const initial = this.#scenario.recover === undefined ? this.names.length : this.names.length - 1;
    for (let t = 0; t < this.names.length; t++) {
      this.#stepsOf[t] = 0;
      this.#results[t] = undefined;
      this.#status[t] = t < initial ? RUNNING : UNBORN;
      if (t < initial) this.#begin(t);
    }
  }

  #begin(t: number): void {
    this.#status[t] = RUNNING;
    this.#programs[t] = this.#factories[t]!();
    this.#advance(t, 0);
  }

  /** Has a thread go on to its next operation. */
  #advance(t: number, result: Result): void {
    this.#machine.enter(t);
    const step = this.#programs[t]!.next(result);
    this.#machine.enter();
    if (step.done) {
      this.#status[t] = ENDED;
      this.#results[t] = step.value;
      return;
    }
    const from = this.#machine.request;
    const to = this.requests[t]!;
    to.operation = from.operation;
    to.site = from.site;
    to.a = from.a;
    to.b = from.b;
    to.c = from.c;
  }

  /** The threads that can make a step, as bits. When none can, those that a timeout would wake: see `isStuck`. */
  enabled(): number {
    let running = 0;
    let napping = 0;
    for (let t = 0; t < this.names.length; t++) {
      if (this.#status[t] === RUNNING) running |= 1 << t;
      else if (this.#status[t] === ASLEEP && Number.isFinite(this.requests[t]!.c)) napping |= 1 << t;
    }
    return running === 0 ? napping : running;
  }

  /** Whether a step of this thread would be the end of its patience. */
  isTimeout(t: number): boolean {
    return this.#status[t] === ASLEEP;
  }

  /** Whether the death of the victim is a choice. After a step of its own only: later is the same. */
  canDie(): boolean {
    if (this.victim < 0 || this.last !== this.victim) return false;
    const status = this.#status[this.victim];
    return status === RUNNING || status === ASLEEP;
  }

  perform(choice: number): void {
    this.steps++;
    if (choice === this.death) this.#die();
    else this.#step(choice);
    this.last = choice === this.death ? -1 : choice;
  }

  #die(): void {
    this.trace?.push(`${this.names[this.victim]}: dies`);
    this.#status[this.victim] = DEAD;
    this.#sleepers = this.#sleepers.filter((t) => t !== this.victim);
    this.#scenario.onDeath?.();
    if (this.#scenario.recover === undefined) return;
    this.#machine.join(this.death - 1, this.victim);
    this.#begin(this.death - 1);
  }

  #step(t: number): void {
    const request = this.requests[t]!;
    const described = this.trace === undefined ? "" : this.#describe(t);
    const at = this.trace === undefined ? -1 : this.trace.push(described) - 1;
    this.#stepsOf[t]!++;
    let result: Result = WOKEN;
    if (this.#status[t] === ASLEEP) {
      result = TIMED_OUT;
      this.#timeouts++;
      this.#status[t] = RUNNING;
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== t);
    } else if (request.operation !== RESUME) {
      this.#machine.enter(t);
      result = this.#machine.execute(request);
      if (request.operation === NOTIFY) result = this.#wake(request);
      if (request.operation === WAIT && result === (request.b | 0)) {
        this.#status[t] = ASLEEP;
        this.#sleepers.push(t);
        this.#machine.enter();
        if (this.trace !== undefined) this.trace[at] = `${described} -> sleeps`;
        return;
      }
      if (request.operation === WAIT) result = NOT_EQUAL;
    }
    if (this.trace !== undefined) this.trace[at] = `${described} -> ${show(result)}`;
    this.#advance(t, result);
  }

  #wake({ a, b }: Request): number {
    let woken = 0;
    const stay: number[] = [];
    for (const t of this.#sleepers) {
      const request = this.requests[t]!;
      if (request.a !== a || (b >= 0 && woken === b)) {
        stay.push(t);
        continue;
      }
      woken++;
      this.#status[t] = RUNNING;
      request.operation = RESUME;
    }
    this.#sleepers = stay;
    this.#machine.fold(woken);
    return woken;
  }

  /** Names of threads, and `death`. */
  scheduleOf(choices: readonly number[]): string[] {
    return choices.map((choice) => this.names[choice] ?? "death");
  }

  /** A hash of the whole state: `low` or `high` half. */
  hash(isHigh: boolean): number {
    let hash = isHigh ? this.#machine.hashHigh() : this.#machine.hashLow();
    const { histories } = this.#machine;
    for (let t = 0; t < this.names.length; t++) {
      const status = this.#status[t]!;
      const rank = status === ASLEEP ? this.#rank(t) : 0;
      const own = histories[t * 2 + (isHigh ? 1 : 0)]! ^ (this.#stepsOf[t]! * 64 + status * 8 + rank);
      hash = Math.imul(hash ^ (hash >>> 15), isHigh ? 0x2c1b3c6d : 0x297a2d39) + own;
      hash = Math.imul(hash ^ (hash >>> 13), isHigh ? 0x4cf5ad43 : 0x7feb352d);
    }
    return hash ^ (hash >>> 16);
  }

  /** Who of those asleep at the same address is woken first. */
  #rank(t: number): number {
    let rank = 0;
    for (const other of this.#sleepers) {
      if (other === t) break;
      if (this.requests[other]!.a === this.requests[t]!.a) rank++;
    }
    return rank;
  }

  run(): Run {
    return {
      results: Object.fromEntries(this.names.map((name, t) => [name, this.#results[t]])),
      hasDied: this.victim >= 0 && this.#status[this.victim] === DEAD,
      blocked: this.names.filter((_, t) => this.#status[t] === ASLEEP || this.#status[t] === RUNNING),
      timeouts: this.#timeouts,
      steps: this.steps,
    };
  }

  #describe(t: number): string {
    const { operation, site, a, b, c } = this.requests[t]!;
    const { name, bytes, parameters } = operations[operation]!;
    const nameOf = this.#scenario.nameOf ?? ((address) => `0x${address.toString(16)}`);
    const place = bytes === 0 ? String(a) : nameOf(a);
    const shown = [place, b, c].slice(0, parameters).join(", ");
    const where = this.#machine.siteNames[site];
    const what = this.isTimeout(t) ? "times out of wait" : name;
    return `${this.names[t]}: ${where ? `${where} ` : ""}${what}(${shown})`;
  }
}

function show(result: Result): string {
  if (typeof result !== "object") return String(result);
  const half = (word: number) => (word >>> 0).toString(16).padStart(8, "0");
  return `${half(result.high)}${half(result.low)}`;
}
