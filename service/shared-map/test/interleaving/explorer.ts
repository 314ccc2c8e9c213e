/**
 * Explores the schedules of a scenario, depth first. A generator cannot be copied, so going back is a run from
 * the beginning by the same choices. What keeps the number of runs down:
 *
 * - A state that was visited is not explored again.
 * - Steps at places that one thread alone uses are no choices: `locality.ts`.
 * - Of two independent steps one order is enough: sleep sets (Godefroid, 1996), in the form for graphs of states.
 *
 * None of them loses a final state, a deadlock or a race. The last two take plain accesses for free of races;
 * explore with `races` to know. `reduce: false` switches them off, and then the schedules can be counted.
 */
import { Execution, type Run, type Scenario } from "./execution.ts";
import { Locality } from "./locality.ts";
import { Search } from "./search.ts";

export interface ExploreOptions extends Scenario {
  /** Looks at each complete run; throws where it is wrong. The machine has the final memory. True counts it as flagged. */
  readonly onEnd?: (run: Run) => unknown;
  /** How often a thread that could go on is interrupted; default Infinity, which is all schedules. */
  readonly maxPreemptions?: number;
  /** The exploration ends, incomplete, with so many states; default Infinity. */
  readonly maxStates?: number;
  /** A run with more steps fails as endless; default 20,000. */
  readonly maxSteps?: number;
  /** Looks for data races; default false. Distinguishes more states: who knows of whose accesses. */
  readonly races?: boolean;
  /** Default true. */
  readonly reduce?: boolean;
  /** Whether states that were visited are recognised; default true. Without, and without `reduce`, each schedule is run. */
  readonly merge?: boolean;
  /** Hands runs that end with sleeping threads to `onEnd`, instead of failing; default false. */
  readonly allowDeadlock?: boolean;
}

export interface Exploration {
  /** False when it was cut short by `maxStates`. */
  readonly isComplete: boolean;
  /** Runs to the end. */
  readonly runs: number;
  /** Runs that ended at a state that was visited, or with only what another order covers. */
  readonly pruned: number;
  readonly states: number;
  /** Steps done, those done again included. */
  readonly steps: number;
  readonly longest: number;
  readonly deadlocks: number;
  /** Runs in which somebody's patience had to end. */
  readonly timeouts: number;
  /** Of all schedules, how many there are and how many are flagged: exact up to 2^53. Null unless all count. */
  readonly schedules: number | null;
  readonly flaggedSchedules: number | null;
  /** Runs that `onEnd` flagged. */
  readonly flagged: number;
  /** The choices of the flagged run that is shortest, of those the one with the fewest switches: for `replay`. */
  readonly shortestFlagged: readonly string[] | null;
  /** Times it began again, with places known to be shared. */
  readonly restarts: number;
}

export function explore(options: ExploreOptions): Exploration {
  const execution = new Execution(options);
  options.machine.detectRaces(options.races ? execution.names : []);
  const locality = new Locality(options.machine.buffer.byteLength);
  for (let restarts = 0; ; restarts++) {
    const search = new Search(options, execution, locality);
    if (search.run()) return search.result(restarts);
    locality.restart();
  }
}
