/** What the generator calls: one request a call, whatever protocol and connections are behind it. */

export interface Caller extends Disposable {
  /**
   * Resolves with a good answer. MUST end by its own deadline, and MUST fail with what `outcomeOf` knows.
   * @param onFirstByte is called when the answer begins.
   */
  call(onFirstByte: () => void): Promise<void>;
  /** Sends besides the first of a call, so far: of a hedge. */
  readonly extraSends: number;
}
