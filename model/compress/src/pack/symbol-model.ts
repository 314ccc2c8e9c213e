/**
 * Adaptive statistics of symbols of up to 8 bits: a symbol is coded bit by bit from the top, each bit with the share of
 * ones seen at its place in the tree so far, after R. Krichevsky and V. Trofimov, "The performance of universal encoding"
 * (1981): (ones + 1/2) / (bits + 1). A tree costs half a logarithm of its visits a node above the entropy of its own
 * final counts, and no table of them travels.
 */
import { type BitCoder, probabilityOne } from "./range-coder.ts";

/** Shares are kept in 24 bits, and coded with the 16 that the coder takes. */
const whole = 2 ** 24;
const toCoded = Math.log2(whole / probabilityOne);
/** From so many visits on a node forgets as fast as it learns. */
const longestMemory = 2 ** 16 - 1;

export class SymbolModel {
  readonly #bits: number;
  readonly #shares: Int32Array;
  readonly #visits: Uint16Array;

  /** @param bits of a symbol, 1 to 8. @param contexts that have statistics of their own. Default 1. */
  constructor(bits: number, contexts = 1) {
    this.#bits = bits;
    this.#shares = new Int32Array(contexts << bits).fill(whole / 2);
    this.#visits = new Uint16Array(contexts << bits);
  }

  /** Encodes `symbol`, or ignores it and decodes one; see `BitCoder`. @returns the symbol */
  code(coder: BitCoder, symbol: number, context = 0): number {
    const base = context << this.#bits;
    let node = 1;
    for (let bit = this.#bits - 1; bit >= 0; bit--) {
      const slot = base | node;
      const share = this.#shares[slot]!;
      const probability = Math.min(probabilityOne - 1, Math.max(1, share >> toCoded));
      const coded = coder.code((symbol >> bit) & 1, probability);
      const visits = this.#visits[slot]!;
      this.#shares[slot] = (share + ((coded === 0 ? 0 : whole) - share) / (visits + 2)) | 0;
      if (visits < longestMemory) this.#visits[slot] = visits + 1;
      node = 2 * node + coded;
    }
    return node - (1 << this.#bits);
  }
}
