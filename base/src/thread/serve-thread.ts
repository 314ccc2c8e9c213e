/**
 * The inside of an owned thread: tasks are done one after the other, in the order they arrived. Between two
 * tasks the thread returns to its event loop, so that a `cancel` or `close` overtakes the queue.
 */
import { setImmediate } from "node:timers/promises";
import { parentPort, type Transferable } from "node:worker_threads";
import { postError } from "../posted-error.ts";
import type { FromThread, ToThread } from "./protocol.ts";

export interface Served<Result> {
  readonly result: Result;
  /** Buffers of the result that move to the owner. */
  readonly transfer?: readonly Transferable[];
}

export interface ThreadHandler<Task, Result> {
  /**
   * What it throws is the failure of this task only.
   * @param signal fires when nobody waits for the task any more: it was cancelled, or the thread is to end.
   * A handler may ignore it; the task is then done, and its result dropped.
   */
  perform(task: Task, signal: AbortSignal): Served<Result> | Promise<Served<Result>>;
  /** Frees what the thread holds, once, before it ends. */
  end?(): void | Promise<void>;
}

/** Call it once, in the entry of a worker thread that an `OwnedThread` started. */
export function serveThread<Task, Result>(handler: ThreadHandler<Task, Result>): void {
  if (parentPort === null) throw new Error("serveThread belongs into a worker thread.");
  const port = parentPort;
  let queue: Extract<ToThread<Task>, { kind: "task" }>[] = [];
  let inHand: { readonly id: number; readonly controller: AbortController } | null = null;
  let busy = false;
  let closing = false;

  const reply = (message: FromThread<Result>, transfer: readonly Transferable[] = []) =>
    port.postMessage(message, [...transfer]);

  async function drain(): Promise<void> {
    busy = true;
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { id, task } = next;
      const controller = new AbortController();
      inHand = { id, controller };
      try {
        const { result, transfer } = await handler.perform(task, controller.signal);
        reply({ kind: "done", id, result }, transfer);
      } catch (thrown) {
        reply({ kind: "failed", id, error: postError(thrown) });
      }
      inHand = null;
      if (queue.length > 0) await setImmediate();
    }
    busy = false;
    if (closing) await end();
  }

  function cancel(id: number): void {
    if (inHand?.id === id) inHand.controller.abort();
    const left = queue.filter((task) => task.id !== id);
    if (left.length < queue.length) reply({ kind: "dropped", id });
    queue = left;
  }

  /** With the port closed nothing keeps the thread alive, and it ends by itself. */
  async function end(): Promise<void> {
    await handler.end?.();
    port.close();
  }

  port.on("message", (message: ToThread<Task>) => {
    switch (message.kind) {
      case "task":
        queue.push(message);
        if (!busy) void drain();
        break;
      case "cancel":
        cancel(message.id);
        break;
      case "close":
        queue = [];
        closing = true;
        inHand?.controller.abort();
        if (!busy) void end();
        break;
    }
  });
}
