/**
 * Whose fault a failed run is: the engine says the same (RUN_FAILED) of a version that cannot run and of a request with
 * an index out of range. The engine is deterministic, and every version has run once before it came into service, on
 * random values (`open-version.ts`). So it is not broken because one caller sees nothing but failures: that caller may
 * make them. It takes a second caller who fails before anybody is answered again.
 *
 * So no caller alone suspends a version, a fresh one neither, however many requests it sends; and a version that fails
 * for all is counted from the second caller on. One that stops working for its only caller is not suspended by failed
 * runs: nothing tells it from one whose caller sends nonsense.
 */
export class RunFailures {
  /** The one caller whose runs failed since the last answer; null where there is none. */
  #failing: string | null = null;
  /** Whether another one failed as well. */
  #isShared = false;

  answered(): void {
    this.#failing = null;
    this.#isShared = false;
  }

  /** @returns whether the version is to blame. @param caller as `callerOf` names it */
  failed(caller: string): boolean {
    this.#failing ??= caller;
    this.#isShared ||= this.#failing !== caller;
    return this.#isShared;
  }
}
