/** The depth-first search through the schedules: one attempt at the whole. `explorer.ts` says by what rules. */
import type { Execution } from "./execution.ts";
import type { Exploration, ExploreOptions } from "./explorer.ts";
import { areIndependent, type Locality } from "./locality.ts";
import { Deadlock, isShorter, ScheduleFailure } from "./schedule.ts";
import { StateTable } from "./state-table.ts";

export class Search {
  readonly #options: ExploreOptions;
  readonly #execution: Execution;
  readonly #locality: Locality;
  readonly #table = new StateTable();
  readonly #reduces: boolean;
  readonly #bound: number;
  readonly #counts: boolean;
  // The nodes from the beginning to where the search is, by depth.
  readonly #chosen: number[] = [];
  readonly #todo: number[] = [];
  readonly #asleep: number[] = [];
  readonly #preemptions: number[] = [];
  readonly #last: number[] = [];
  readonly #keyLow: number[] = [];
  readonly #keyHigh: number[] = [];
  readonly #isHashed: boolean[] = [];
  readonly #schedules: number[] = [];
  readonly #flaggedSchedules: number[] = [];
  #depth = 0;
  #total = { schedules: 0, flagged: 0 };
  #runs = 0;
  #pruned = 0;
  #steps = 0;
  #longest = 0;
  #deadlocks = 0;
  #timeouts = 0;
  #flagged = 0;
  #shortest: readonly number[] | null = null;
  #isComplete = true;

  constructor(options: ExploreOptions, execution: Execution, locality: Locality) {
    this.#options = options;
    this.#execution = execution;
    this.#locality = locality;
    this.#bound = options.maxPreemptions ?? Number.POSITIVE_INFINITY;
    this.#reduces = options.reduce ?? true;
    this.#counts = !this.#reduces && this.#bound === Number.POSITIVE_INFINITY;
  }

  /** False when it has to begin again. */
  run(): boolean {
    const maxStates = this.#options.maxStates ?? Number.POSITIVE_INFINITY;
    try {
      do {
        this.#replay();
        if (!this.#goOn()) return false;
        if (this.#table.size >= maxStates) {
          this.#isComplete = false;
          return true;
        }
      } while (this.#backtrack());
    } catch (cause) {
      throw new ScheduleFailure(cause, this.#execution, this.#chosen.slice(0, this.#depth));
    }
    return true;
  }

  #replay(): void {
    this.#execution.start();
    for (let d = 0; d < this.#depth; d++) this.#execution.perform(this.#chosen[d]!);
    this.#steps += this.#depth;
  }

  /** From where the search is, new steps until a run ends or comes to what was visited. */
  #goOn(): boolean {
    const maxSteps = this.#options.maxSteps ?? 20_000;
    for (;;) {
      // After a replay the node is there already, with choices left.
      if (this.#todo.length === this.#depth && !this.#enterNode()) return true;
      const choice = this.#choose();
      const d = this.#depth;
      this.#chosen[d] = choice;
      this.#todo[d]! &= ~(1 << choice);
      const owner =
        choice === this.#execution.death - 1 && this.#recovers() ? this.#execution.victim : choice;
      if (choice !== this.#execution.death) {
        const isNoted = this.#locality.note(owner, this.#execution.requests[choice]!);
        if (!isNoted && this.#reduces) return false;
      }
      const sleep = this.#sleepAfter(choice);
      this.#depth++;
      this.#steps++;
      this.#execution.perform(choice);
      if (this.#depth > maxSteps) throw new Error(`no end after ${maxSteps} steps`);
      this.#asleep[this.#depth] = sleep;
    }
  }

  #recovers(): boolean {
    return this.#options.recover !== undefined;
  }

  /** What stays asleep behind a choice: what is independent of it and was, or will have been, explored here. */
  #sleepAfter(choice: number): number {
    const d = this.#depth;
    const { requests, death } = this.#execution;
    if (!this.#sleeps() || choice === death || this.#execution.isTimeout(choice)) return 0;
    let sleep = 0;
    for (let t = 0; t < death; t++) {
      if ((this.#asleep[d]! & (1 << t)) !== 0 && areIndependent(requests[t]!, requests[choice]!))
        sleep |= 1 << t;
    }
    this.#asleep[d]! |= 1 << choice;
    return sleep;
  }

  #sleeps(): boolean {
    return this.#reduces && this.#bound === Number.POSITIVE_INFINITY;
  }

  /** Makes a node of the state the search has come to. False when there is nothing to explore from it. */
  #enterNode(): boolean {
    const d = this.#depth;
    const execution = this.#execution;
    const enabled = execution.enabled();
    if (enabled === 0) {
      this.#end();
      return false;
    }
    const dies = execution.canDie() ? 1 << execution.death : 0;
    const local = this.#reduces ? this.#localChoice(enabled) : -1;
    let choices = (local >= 0 ? 1 << local : enabled) | dies;
    const used = d === 0 ? 0 : this.#preemptions[d - 1]! + this.#preempts(d - 1);
    if (used >= this.#bound && execution.last >= 0 && (enabled & (1 << execution.last)) !== 0) {
      choices = (1 << execution.last) | dies;
    }
    const sleep = this.#asleep[d] ?? 0;
    let todo = choices & ~sleep;
    this.#asleep[d] = sleep;
    const merge = this.#options.merge ?? true;
    this.#isHashed[d] = merge && (local < 0 || dies !== 0);
    if (this.#isHashed[d]) {
      todo = this.#merge(d, choices, sleep, used);
      if (todo === 0 && this.#counts) return false;
    }
    if (todo === 0) {
      this.#pruned++;
      return false;
    }
    this.#todo[d] = todo;
    this.#preemptions[d] = used;
    this.#last[d] = (enabled & (1 << execution.last)) !== 0 ? execution.last : -1;
    this.#schedules[d] = 0;
    this.#flaggedSchedules[d] = 0;
    return true;
  }

  /** Whether the choice made at a depth interrupted somebody. */
  #preempts(d: number): number {
    const choice = this.#chosen[d]!;
    return this.#last[d]! >= 0 && choice !== this.#last[d] && choice !== this.#execution.death ? 1 : 0;
  }

  /** A thread whose next step is of no interest to others. With a bound it must be the one that runs anyhow. */
  #localChoice(enabled: number): number {
    const { requests, last, death, victim } = this.#execution;
    for (let t = 0; t < death; t++) {
      if ((enabled & (1 << t)) === 0 || this.#execution.isTimeout(t)) continue;
      if (this.#bound !== Number.POSITIVE_INFINITY && t !== last) continue;
      const owner = t === death - 1 && this.#recovers() ? victim : t;
      if (!this.#locality.isLocal(owner, requests[t]!)) continue;
      this.#locality.relyOn(owner, requests[t]!);
      return t;
    }
    return -1;
  }

  /** Which of the choices are still to be explored from the state, by what the table says of it. */
  #merge(d: number, choices: number, sleep: number, used: number): number {
    const execution = this.#execution;
    let low = execution.hash(false);
    const high = execution.hash(true);
    const isBounded = this.#bound !== Number.POSITIVE_INFINITY;
    if (isBounded) low = Math.imul(low ^ (execution.last + 2), 0x9e3779b1);
    this.#keyLow[d] = low;
    this.#keyHigh[d] = high;
    const table = this.#table;
    const place = table.place(low, high, isBounded ? used : this.#sleeps() ? sleep : 0);
    if (table.wasNew) return choices & ~sleep;
    const first = table.first(place);
    if (this.#counts) {
      this.#pruned++;
      this.#add(first, table.second(place));
      return 0;
    }
    if (isBounded) {
      if (first <= used) return 0;
      table.set(place, used, 0);
      return choices;
    }
    if (!this.#sleeps()) return 0;
    // Somebody came here before, with `first` asleep: only that was left out.
    this.#asleep[d] = sleep & first;
    table.set(place, sleep & first, 0);
    return choices & first & ~sleep;
  }

  /** The running thread goes on if it may: few switches first. */
  #choose(): number {
    const todo = this.#todo[this.#depth]!;
    const { last } = this.#execution;
    return last >= 0 && (todo & (1 << last)) !== 0 ? last : 31 - Math.clz32(todo & -todo);
  }

  /** Adds complete schedules to those of the node before this one. */
  #add(schedules: number, flagged: number): void {
    const d = this.#depth - 1;
    if (d < 0) {
      this.#total.schedules += schedules;
      this.#total.flagged += flagged;
    } else {
      this.#schedules[d]! += schedules;
      this.#flaggedSchedules[d]! += flagged;
    }
  }

  #end(): void {
    const run = this.#execution.run();
    this.#runs++;
    this.#longest = Math.max(this.#longest, this.#depth);
    if (run.timeouts > 0) this.#timeouts++;
    if (run.blocked.length > 0) {
      this.#deadlocks++;
      if (!this.#options.allowDeadlock) throw new Deadlock(`deadlock: ${run.blocked.join(", ")} sleep`);
    }
    const isFlagged = this.#options.onEnd?.(run) === true;
    this.#add(1, isFlagged ? 1 : 0);
    if (!isFlagged) return;
    this.#flagged++;
    const schedule = this.#chosen.slice(0, this.#depth);
    if (this.#shortest === null || isShorter(schedule, this.#shortest)) this.#shortest = schedule;
  }

  /** To the deepest node with a choice left. False when there is none. */
  #backtrack(): boolean {
    for (;;) {
      const d = this.#todo.length - 1;
      if (d < 0) return false;
      this.#depth = d;
      if (this.#todo[d] !== 0) return true;
      if (this.#counts) {
        if (this.#isHashed[d]) {
          const place = this.#table.place(this.#keyLow[d]!, this.#keyHigh[d]!, 0);
          this.#table.set(place, this.#schedules[d]!, this.#flaggedSchedules[d]!);
        }
        this.#add(this.#schedules[d]!, this.#flaggedSchedules[d]!);
      }
      this.#todo.length = d;
    }
  }

  result(restarts: number): Exploration {
    return {
      isComplete: this.#isComplete,
      runs: this.#runs,
      pruned: this.#pruned,
      states: this.#table.size,
      steps: this.#steps,
      longest: this.#longest,
      deadlocks: this.#deadlocks,
      timeouts: this.#timeouts,
      schedules: this.#counts && this.#isComplete ? this.#total.schedules : null,
      flaggedSchedules: this.#counts && this.#isComplete ? this.#total.flagged : null,
      flagged: this.#flagged,
      shortestFlagged: this.#shortest === null ? null : this.#execution.scheduleOf(this.#shortest),
      restarts,
    };
  }
}
