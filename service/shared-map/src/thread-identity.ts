/**
 * Who a thread is, as a number that others can test: has that thread ended? A lock is taken from nobody else, so
 * the answer is yes on a proof only. A thread that is stopped, by a debugger, by SIGSTOP or in a long collection,
 * has not ended.
 *
 * On Linux the proof is the kernel's: /proc/self/task lists the threads of the process, and a thread is told by its
 * id and the time at which it started, since ids are given again. Every thread can ask that of every other.
 *
 * Elsewhere, and where /proc is not to be read, a thread is told by the number that Node.js gave it, and the proof
 * is the `exit` event of its Worker: the thread that started it has it, once it gets to its event loop.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { threadId } from "node:worker_threads";

/** Ids of Linux threads have 22 bits at most. */
const idLimit = 2 ** 22;
/** Start times count from the system's start, in hundredths of a second: they repeat after 124 days. */
const startLimit = 2 ** 30;
/** Identities from here on are numbers of Node.js, those below are from /proc. */
const numbered = 2 ** 52;

/** In the kernel's words, of a thread that will not run again. */
const endedStates: ReadonlySet<string> = new Set(["Z", "X", "x"]);
/**
 * PF_EXITING of the kernel's include/linux/sched.h: the thread is on its way out and back in its program never. Who
 * joins a thread, as Node.js does before a Worker's `exit`, goes on while the kernel still lists it as running.
 */
const exiting = 0x4;
const gone: ReadonlySet<unknown> = new Set(["ENOENT", "ESRCH"]);

/** When a thread of this process started; null when there is none of that id. Throws when that cannot be told. */
function startOf(id: number): number | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/self/task/${id}/stat`, "latin1");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && gone.has(thrown.code)) return null;
    throw thrown;
  }
  // The name before may have any characters: fields are counted from its parenthesis (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const isOver = endedStates.has(fields[0]!) || (Number(fields[6]) & exiting) !== 0;
  return isOver ? null : Number(fields[19]) % startLimit;
}

function identify(): number {
  try {
    const id = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
    const start = startOf(id);
    if (id > 0 && id < idLimit && start !== null && start >= 0) return start * idLimit + id;
  } catch {
    // No /proc: as on other systems.
  }
  return identityOf(threadId);
}

/** By the number of Node.js: for where the kernel does not tell. */
export function identityOf(thread: number): number {
  return numbered + thread + 1;
}

/** Of this thread. A whole number below 2^53; its lower 32 bits are not all 0. */
export const identity: number = identify();

/** Threads whose end this thread has heard of, by identity. */
const heardOf = new Set<number>();

/** For who has seen the `exit` event of a thread's Worker. */
export function noteEnd(thread: number): void {
  heardOf.add(identityOf(thread));
}

export function hasEnded(identity: number): boolean {
  if (identity >= numbered) return heardOf.has(identity);
  try {
    return startOf(identity % idLimit) !== Math.floor(identity / idLimit);
  } catch {
    // Too many open files, for one: it is not known, so nothing is taken.
    return false;
  }
}
