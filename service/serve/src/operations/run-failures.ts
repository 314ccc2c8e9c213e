/**
 * Whose fault a failed run is: the engine says the same (RUN_FAILED) of a version that cannot run and of a request with
 * an index out of range. The engine is deterministic, so a version that has answered somebody is not broken because one
 * caller sees nothing but failures: that caller may make them. It takes a second caller who fails before anybody is
 * answered again. Until its first answer a version has nobody who speaks for it, and every failed run is its own.
 *
 * So no caller alone suspends a version that answers others, however many requests it sends; and a version that fails for
 * all is counted from the second caller on. One that stops working for its only caller is not suspended by failed runs:
 * nothing tells it from one whose caller sends nonsense.
 */
export class RunFailures {
  #hasAnswered = false;
  /** The one caller whose runs failed since the last answer; null where there is none. */
  #failing: string | null = null;
  /** Whether another one failed as well. */
  #isShared = false;

  answered(): void {
    this.#hasAnswered = true;
    this.#failing = null;
    this.#isShared = false;
  }

  /** @returns whether the version is to blame. @param caller as `callerOf` names it */
  failed(caller: string): boolean {
    this.#failing ??= caller;
    this.#isShared ||= this.#failing !== caller;
    return !this.#hasAnswered || this.#isShared;
  }
}
