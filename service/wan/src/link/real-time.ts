/**
 * The relay, and what measures it, run before all other work of the machine (SCHED_FIFO, sched(7)): a packet that waits for
 * a processor is a delay that nobody asked for. They sleep most of the time. Nice values do not do it: they weigh within a
 * session only, where the kernel groups processes by session.
 */
import { systemCommand } from "./system-command.ts";

const words: readonly string[] = ["chrt", "--fifo", "1"];

let asked: Promise<readonly string[]> | null = null;

/** Words that stand before a command line; none where the system does not let us. */
export function realTimeWords(): Promise<readonly string[]> {
  const [command = "", ...rest] = words;
  asked ??= systemCommand(command, ...rest, "true").then(
    () => words,
    () => [],
  );
  return asked;
}
