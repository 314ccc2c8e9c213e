/** The measured round trip to an endpoint: an exponentially weighted mean of its probes, in ms. */
export class RoundTrip {
  /** Of the newest measurement; the rest keeps what was before. */
  static readonly weight = 0.3;
  #ms: number | null = null;

  /** Null until the first measurement. */
  get ms(): number | null {
    return this.#ms;
  }

  add(ms: number): void {
    this.#ms = this.#ms === null ? ms : this.#ms + RoundTrip.weight * (ms - this.#ms);
  }
}
