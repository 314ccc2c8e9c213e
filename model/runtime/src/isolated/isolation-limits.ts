/** What a model that nobody vouches for may take while it is tried in a process of its own. */
import { totalmem } from "node:os";
import { baseErrors } from "@cupel/base";

export interface IsolationLimits {
  /**
   * Bytes of memory that the process may have resident, Node.js and the engine included, which take some 140 MB of
   * them. Default: 4 GiB, or half of the memory that this machine or container has where that is less.
   */
  readonly memory?: number | undefined;
  /** Milliseconds from the start of the process to its end. Default: 120,000. */
  readonly time?: number | undefined;
}

/** The same with every choice made. */
export interface ChosenLimits {
  readonly memory: number;
  readonly time: number;
}

const mostMemory = 4 * 2 ** 30;
const usualTime = 120_000;
/** The longest that a timer of Node.js counts. */
const longestTime = 2 ** 31 - 1;

/** @throws OPTION_INVALID */
export function isolationLimits({ memory, time }: IsolationLimits = {}): ChosenLimits {
  return {
    memory:
      positive("memory", memory, Number.MAX_SAFE_INTEGER) ?? Math.min(mostMemory, availableMemory() / 2),
    time: positive("time", time, longestTime) ?? usualTime,
  };
}

/** Of the container, where there is one with a limit. */
function availableMemory(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

function positive(name: string, given: number | undefined, most: number): number | undefined {
  if (given === undefined || (given > 0 && given <= most)) return given;
  throw baseErrors.error(
    "OPTION_INVALID",
    `The limit of ${name} must be above 0 and at most ${most}, not ${given}.`,
    { details: { limit: name, given } },
  );
}
