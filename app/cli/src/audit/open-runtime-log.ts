/** The runtime log of a command: what its main thread does, beside the work. */
import { resolve } from "node:path";
import { openRuntimeLog, watchRuntime } from "@cupel/audit";

/**
 * Disposing of it writes what is left.
 * @param say of where it is, and of trouble. @throws FILE_LOCKED, WRITE_FAILED, DISK_FULL
 */
export async function openCommandRuntimeLog(
  given: string,
  say: (line: string) => void,
): Promise<AsyncDisposable> {
  const folder = resolve(given);
  await using stack = new AsyncDisposableStack();
  const log = stack.use(await openRuntimeLog({ folder, onAlert: say }));
  stack.use(watchRuntime(await log.ring("main")));
  say(
    `What the runtime does goes to ${folder}, which is no audit log; see it by: cupel audit tail --runtime ${folder}`,
  );
  return stack.move();
}
