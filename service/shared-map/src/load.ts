/** One load of one key in one thread, and the callers that wait for it. It is aborted when none is left. */
export class Load {
  /** Settled by who runs the load, or rejected when it is aborted. */
  readonly result: Promise<unknown>;
  /** The row of its claim in the shared memory, and the ticket that stands there; 0 for none. */
  row = 0;
  ticket = 0;
  readonly #isBackground: boolean;
  readonly #controller = new AbortController();
  readonly #reject: (reason: unknown) => void;
  readonly resolve: (value: unknown) => void;
  #callers = 0;
  #hasEnded = false;

  /** @param isBackground it goes on though nobody waits for it. */
  constructor(isBackground: boolean) {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.result = promise;
    this.#reject = reject;
    this.resolve = resolve;
    this.#isBackground = isBackground;
    // Whoever waits for it hears of it; perhaps nobody does.
    promise.catch(() => {});
  }

  /** For the loader. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  end(settle: () => void): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    settle();
  }

  fail(reason: unknown): void {
    this.end(() => this.#reject(reason));
  }

  abort(reason: unknown): void {
    if (this.#hasEnded) return;
    this.fail(reason);
    this.#controller.abort(reason);
  }

  /** The result for one caller, who leaves when its signal is aborted. */
  join(signal: AbortSignal | undefined): Promise<unknown> {
    this.#callers++;
    if (signal === undefined) return this.result;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const leave = () => {
      reject(signal.reason);
      this.#callers--;
      if (this.#callers === 0 && !this.#isBackground) this.abort(signal.reason);
    };
    signal.addEventListener("abort", leave, { once: true });
    const settled = () => signal.removeEventListener("abort", leave);
    this.result.then(resolve, reject).finally(settled);
    return promise;
  }
}
