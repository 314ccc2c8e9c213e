/** An event that somebody waits for, from its check to its receipt. */
import { cancellation } from "@cupel/base";
import { auditErrors } from "../errors.ts";
import type { PiledLine } from "./line-pile.ts";
import type { Receipt } from "./receipt.ts";

export class WaitingEvent {
  readonly id: string;
  readonly time: string;
  readonly action: string;
  readonly line: PiledLine;
  /** By the monotonic clock, milliseconds. */
  readonly deadline: number;
  readonly promise: Promise<Receipt>;
  /** With those that are kept right now. */
  isInHand = false;
  /** Whether a disk was ever given it: a crash may then show it, even where that failed. */
  #wasHanded = false;
  #settle: ((receipt: Receipt) => void) | null = null;
  #reject: (reason: Error) => void = () => {};
  #forget: (() => void) | null = null;

  constructor(
    stamp: { readonly id: string; readonly time: string },
    action: string,
    line: PiledLine,
    deadline: number,
  ) {
    this.id = stamp.id;
    this.time = stamp.time;
    this.action = action;
    this.line = line;
    this.deadline = deadline;
    this.promise = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#reject = reject;
    });
  }

  /** Whoever waited has an answer. */
  get isSettled(): boolean {
    return this.#settle === null;
  }

  take(): void {
    this.isInHand = true;
    this.#wasHanded = true;
  }

  /** An event that waits is withdrawn when the signal fires; one in hand gets its receipt. */
  heed(signal: AbortSignal): void {
    const abort = () => {
      if (this.isInHand) return;
      if (this.#wasHanded) this.expire("it was cancelled while the log was in trouble");
      else this.fail(cancellation("Recording an event", signal));
    };
    signal.addEventListener("abort", abort, { once: true });
    this.#forget = () => signal.removeEventListener("abort", abort);
    if (signal.aborted) abort();
  }

  logged(index: number, treeSize: number | null): void {
    this.#end({ id: this.id, time: this.time, state: "logged", index, treeSize });
  }

  elsewhere(state: "spilled" | "dropped"): void {
    this.#end({ id: this.id, time: this.time, state, index: null, treeSize: null });
  }

  /** @param why a clause, of what the log waits for */
  expire(why: string): void {
    const mayBe = this.#wasHanded
      ? "It was handed to the disk and may come to be recorded all the same."
      : "It was not recorded.";
    this.fail(
      auditErrors.error(
        "RECORD_UNAVAILABLE",
        `The event ${this.id} got no receipt in time: ${why}. ${mayBe}`,
        {
          details: { id: this.id, mayBeRecorded: this.#wasHanded },
          withoutStack: true,
        },
      ),
    );
  }

  fail(error: Error): void {
    if (this.#settle === null) return;
    this.#settle = null;
    this.#forget?.();
    this.#reject(error);
  }

  #end(receipt: Receipt): void {
    const settle = this.#settle;
    if (settle === null) return;
    this.#settle = null;
    this.#forget?.();
    settle(receipt);
  }
}
