/**
 * A circuit breaker: what fails too often is not asked for a while, so that its callers learn so at once, and it is tried
 * again with a few calls before all come back.
 *
 * Calls are counted in a ring of 30 buckets, which together are the window; a bucket leaves it as a whole. Terms:
 * - CLOSED: every call passes. It opens when the window has at least `minimumCalls` and the share of failures among
 *   them is above `errorShare`.
 * - OPEN: no call passes, for `openMs`.
 * - HALF OPEN: `probes` calls pass. When all of them succeed it closes with an empty window; when one fails it opens.
 * A call that passed before the state changed says nothing of the state after.
 */
import type { Clock } from "./clock.ts";

export interface BreakerOptions {
  readonly windowMs: number;
  readonly minimumCalls: number;
  /** 0 to 1; 0: the first failure opens it, once the calls are enough. */
  readonly errorShare: number;
  readonly openMs: number;
  readonly probes: number;
}

export type BreakerState = "closed" | "half-open" | "open";
/** `none`: it says nothing of what is behind the breaker, such as a call that was cancelled. */
export type Outcome = "success" | "failure" | "none";

/** Of a call that passed. Only the first outcome told counts; it must be told. */
export type Settle = (outcome: Outcome) => void;

const bucketCount = 30;

export class Breaker {
  readonly #options: BreakerOptions;
  readonly #clock: Clock;
  readonly #onChange: (state: BreakerState) => void;
  readonly #bucketMs: number;
  readonly #calls = new Uint32Array(bucketCount);
  readonly #failures = new Uint32Array(bucketCount);
  #windowCalls = 0;
  #windowFailures = 0;
  /** Number of the newest bucket since the clock's origin. */
  #newest: number;
  #state: BreakerState = "closed";
  #openedAt = 0;
  /** Counts changes of state: whoever passed in another one is not heard. */
  #era = 0;
  #probing = 0;
  #probesSucceeded = 0;

  constructor(options: BreakerOptions, clock: Clock, onChange: (state: BreakerState) => void = () => {}) {
    this.#options = options;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#bucketMs = options.windowMs / bucketCount;
    this.#newest = Math.floor(clock.monotonic() / this.#bucketMs);
  }

  /** As it is for a call that came now. */
  get state(): BreakerState {
    return this.#state === "open" && this.retryAfterMs === 0 ? "half-open" : this.#state;
  }

  /** Until calls are let through again; 0 where they are, or where probes are under way. */
  get retryAfterMs(): number {
    if (this.#state !== "open") return 0;
    return Math.max(0, Math.ceil(this.#openedAt + this.#options.openMs - this.#clock.monotonic()));
  }

  /** Whether a call would pass now. */
  get admits(): boolean {
    const { state } = this;
    if (state === "closed") return true;
    if (state === "open") return false;
    const taken = this.#state === "open" ? 0 : this.#probing + this.#probesSucceeded;
    return taken < this.#options.probes;
  }

  /** Null where the call may not pass. */
  enter(): Settle | null {
    if (!this.admits) return null;
    if (this.#state === "open") this.#change("half-open");
    const era = this.#era;
    if (this.#state === "half-open") this.#probing++;
    let isSettled = false;
    return (outcome) => {
      if (isSettled) return;
      isSettled = true;
      if (era !== this.#era) return;
      if (this.#state === "half-open") this.#settleProbe(outcome);
      else this.#settleCall(outcome);
    };
  }

  #settleProbe(outcome: Outcome): void {
    this.#probing--;
    if (outcome === "failure") this.#open();
    if (outcome !== "success") return;
    if (++this.#probesSucceeded < this.#options.probes) return;
    this.#empty();
    this.#change("closed");
  }

  #settleCall(outcome: Outcome): void {
    if (outcome === "none") return;
    this.#turn();
    const at = this.#newest % bucketCount;
    this.#calls[at]!++;
    this.#windowCalls++;
    if (outcome === "success") return;
    this.#failures[at]!++;
    this.#windowFailures++;
    const { minimumCalls, errorShare } = this.#options;
    const isFailing = this.#windowFailures > errorShare * this.#windowCalls;
    if (this.#windowCalls >= minimumCalls && isFailing) this.#open();
  }

  #open(): void {
    this.#openedAt = this.#clock.monotonic();
    this.#change("open");
  }

  #change(state: BreakerState): void {
    this.#era++;
    this.#state = state;
    this.#probing = 0;
    this.#probesSucceeded = 0;
    this.#onChange(state);
  }

  /** Empties the buckets that time has passed over. */
  #turn(): void {
    const now = Math.floor(this.#clock.monotonic() / this.#bucketMs);
    if (now - this.#newest >= bucketCount) {
      this.#empty();
    } else {
      for (let bucket = this.#newest + 1; bucket <= now; bucket++) {
        const at = bucket % bucketCount;
        this.#windowCalls -= this.#calls[at]!;
        this.#windowFailures -= this.#failures[at]!;
        this.#calls[at] = 0;
        this.#failures[at] = 0;
      }
    }
    this.#newest = now;
  }

  #empty(): void {
    this.#calls.fill(0);
    this.#failures.fill(0);
    this.#windowCalls = 0;
    this.#windowFailures = 0;
  }
}
