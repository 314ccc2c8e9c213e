/**
 * The relay, and what measures it, run before all other work of the machine (SCHED_FIFO, sched(7)): a packet that waits for
 * a processor is a delay that nobody asked for. They sleep most of the time. Nice values do not do it: they weigh within a
 * session only, where the kernel groups processes by session.
 */
import { systemCommand } from "./system-command.ts";

const words = ["chrt", "--fifo", "1"] as const;

let asked: Promise<readonly string[]> | null = null;

/**
 * From now on the main thread of this process, and threads that it starts, run so; those that V8 compiles and collects with,
 * which Node.js started before, do not: on few cores the main thread would wait for them. Where the system does not let us,
 * all stays as it is.
 */
export async function runInRealTime(): Promise<void> {
  await systemCommand("chrt", "--fifo", "--pid", "1", String(process.pid)).catch(() => {});
}

/** Words that stand before a command line; none where the system does not let us. */
export function realTimeWords(): Promise<readonly string[]> {
  const [command = "", ...rest] = words;
  asked ??= systemCommand(command, ...rest, "true").then(
    () => words,
    () => [],
  );
  return asked;
}
