/** What the generator calls: one request a call, whatever protocol and connections are behind it. */

export interface Caller extends Disposable {
  /**
   * Resolves with a good answer. MUST end by its own deadline, and MUST fail with what `outcomeOf` knows.
   * @param onFirstByte is called when the answer begins.
   * @param onExtraSend is called for each send besides the first: of a hedge.
   */
  call(onFirstByte: () => void, onExtraSend?: () => void): Promise<void>;
}
