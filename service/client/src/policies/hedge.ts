/**
 * Sends a call once more while the first is still out, and takes the answer that comes first ("hedged requests", Dean and
 * Barroso 2013, https://doi.org/10.1145/2408776.2408794). It trades traffic for the slowest answers: on a link that loses
 * packets, both sends are rarely lost. Only for calls that may run twice. After gRPC's A6: a failure that no second send
 * can mend ends all; any other starts the next at once; and a server that says when to come again is sent no more.
 */
import type { ClientError } from "../errors.ts";
import type { Timing } from "./timing.ts";

export interface HedgeOptions {
  /** After which a call without an answer is sent once more, in ms: the time by which most are answered. */
  readonly delayMs: number;
  /** Sends besides the first. Default 1. */
  readonly most?: number | undefined;
}

export interface HedgeScene {
  readonly signal: AbortSignal;
  readonly timing: Timing;
  /** Whether another send can mend this failure. */
  isSafe(error: ClientError): boolean;
  /** Takes one extra send from the budget; false where there is none. */
  withdraw(): boolean;
  onHedge?(number: number): void;
}

/**
 * @param attempt is given the number of the send, from 0, and the signal that ends it when another was faster.
 * @throws the failure that ended it, else the last one
 */
export function hedged<T>(
  attempt: (number: number, signal: AbortSignal) => Promise<T>,
  scene: HedgeScene,
  { delayMs, most = 1 }: HedgeOptions,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const out = new Set<AbortController>();
    const over = new AbortController();
    let sent = 0;
    let mayGrow = true;

    const finish = (settle: () => void) => {
      if (over.signal.aborted) return;
      over.abort();
      scene.signal.removeEventListener("abort", leave);
      settle();
      for (const each of out) each.abort(new DOMException("Another send was faster.", "AbortError"));
    };
    const leave = () => {
      for (const each of out) each.abort(scene.signal.reason);
    };
    const send = () => {
      const number = sent++;
      const mine = new AbortController();
      if (scene.signal.aborted) mine.abort(scene.signal.reason);
      out.add(mine);
      attempt(number, mine.signal).then(
        (value) => {
          out.delete(mine);
          finish(() => resolve(value));
        },
        (error: ClientError) => {
          out.delete(mine);
          failed(error);
        },
      );
      scene.timing.wait(delayMs, over.signal).then(next, () => {});
    };
    /** Once more, where that is allowed. */
    const next = () => {
      if (over.signal.aborted || scene.signal.aborted || !mayGrow || sent > most) return;
      if (!scene.withdraw()) return;
      scene.onHedge?.(sent);
      send();
    };
    const failed = (error: ClientError) => {
      if (over.signal.aborted) return;
      if (scene.signal.aborted || !scene.isSafe(error)) return finish(() => reject(error));
      if (error.retryAfterMs !== null) mayGrow = false;
      next();
      if (out.size === 0) finish(() => reject(error));
    };
    scene.signal.addEventListener("abort", leave, { once: true });
    send();
  });
}
