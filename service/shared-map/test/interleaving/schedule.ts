/** Schedules as what people read and tests keep: names of threads, and a line for each step. */
import { Execution, type Run, type Scenario } from "./execution.ts";

/** What went wrong in a run, with its schedule. */
export class ScheduleFailure extends Error {
  /** A line for each step. */
  readonly steps: readonly string[];
  /** For `replay`. */
  readonly schedule: readonly string[];

  constructor(cause: unknown, execution: Execution, choices: readonly number[]) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const steps = describe(execution, choices);
    super(`${reason}\nafter:\n${steps.map((step) => `  ${step}`).join("\n")}`, { cause });
    this.steps = steps;
    this.schedule = execution.scheduleOf(choices);
  }
}

export class Deadlock extends Error {}

function describe(execution: Execution, choices: readonly number[]): string[] {
  const steps: string[] = [];
  execution.trace = steps;
  try {
    execution.start();
    for (const choice of choices) execution.perform(choice);
  } catch {
    // The same error again, at the step that was described last.
  }
  return steps;
}

/** Runs one schedule, given as names of threads (of the victim's death, `death`). Returns a line for each step; the memory stays as the run left it. */
export function replay(scenario: Scenario, schedule: readonly string[]): { run: Run; steps: string[] } {
  scenario.machine.detectRaces([]);
  const execution = new Execution(scenario);
  const steps: string[] = [];
  execution.trace = steps;
  execution.start();
  for (const name of schedule) {
    execution.perform(name === "death" ? execution.death : execution.names.indexOf(name));
  }
  return { run: execution.run(), steps };
}

function switchesOf(schedule: readonly number[]): number {
  let switches = 0;
  for (let i = 1; i < schedule.length; i++) if (schedule[i] !== schedule[i - 1]) switches++;
  return switches;
}

/** By steps, then by switches from thread to thread. */
export function isShorter(one: readonly number[], two: readonly number[]): boolean {
  return one.length !== two.length ? one.length < two.length : switchesOf(one) < switchesOf(two);
}
