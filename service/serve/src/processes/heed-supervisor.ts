/** In a supervised process: when to stop, and when to stop at once. */

import cluster from "node:cluster";
import { isSupervised } from "./member.ts";
import { isFromSupervisor } from "./protocol.ts";

export interface Heeding extends Disposable {
  /** Fires when the process that supervises says so, or is gone. Never, in a process that has none. */
  readonly signal: AbortSignal;
}

/**
 * It is asked by a message and not by a signal: a terminal or a service manager sends its signals to all processes, and a
 * second one would end them in the middle of a request.
 * @param brokenOff called when the process that supervises ends while this one stops: nobody waits for it any more
 */
export function heedSupervisor(brokenOff: () => void): Heeding {
  const controller = new AbortController();
  if (!isSupervised()) return { signal: controller.signal, [Symbol.dispose]() {} };
  const onMessage = (message: unknown): void => {
    if (isFromSupervisor(message) && message.cupel === "stop") controller.abort();
  };
  const onDisconnect = (): void => {
    if (controller.signal.aborted) brokenOff();
    else controller.abort();
  };
  // Otherwise node:cluster ends this process, with all it has in hand, as soon as the other is gone.
  if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
  process.on("message", onMessage);
  process.on("disconnect", onDisconnect);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off("message", onMessage);
      process.off("disconnect", onDisconnect);
    },
  };
}

/**
 * Of a process that is done, supervised or not: the channel to the process that supervises no longer keeps it alive, so
 * that it ends, and with its own status.
 */
export function leaveSupervisor(): void {
  process.channel?.unref();
}
