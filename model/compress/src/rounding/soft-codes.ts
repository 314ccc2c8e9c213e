/**
 * The weights of a layer between their two neighbouring levels, as a share of the way up that is learned (AdaRound, Nagel et
 * al., 2020): w = lower + h(v) * gap with h a sigmoid stretched past 0 and 1 and cut there, so that it gets all the way. A
 * penalty 1 - |2 h - 1|^b draws the shares to 0 and 1, ever harder as b falls. Steps are Adam's (Kingma and Ba, 2015).
 */
import { dequantise, type QuantisedWeights } from "../weights/quantised-weights.ts";

/** How far the sigmoid is stretched beyond 0 and 1. */
const stretch = 0.1;
const [momentum, decay, epsilon] = [0.9, 0.999, 1e-8];
/** A share of 0.8 for the code a weight has. */
const startValue = 1.1;

export class SoftCodes {
  readonly #start: QuantisedWeights;
  readonly #lower: Uint8Array;
  /** From the lower level to the one above it, in units of weights; 0 where there is none. */
  readonly #gaps: Float32Array;
  readonly #values: Float32Array;
  readonly #first: Float32Array;
  readonly #second: Float32Array;
  #steps = 0;

  /**
   * Each weight between the code it has and the one on the side of its target, for the most part at the former: codes that
   * were chosen together are not given up one by one.
   * @param target the weights that are approximated, [O, K].
   */
  constructor(start: QuantisedWeights, target: Float32Array) {
    const { levels, codes } = start;
    const units = dequantise({ ...start, codes: new Uint8Array(codes.length), levels: Int8Array.of(1) });
    this.#start = start;
    this.#lower = new Uint8Array(codes.length);
    this.#gaps = new Float32Array(codes.length);
    this.#values = new Float32Array(codes.length);
    this.#first = new Float32Array(codes.length);
    this.#second = new Float32Array(codes.length);
    for (const [i, code] of codes.entries()) {
      const isBelow = levels[code]! * units[i]! <= target[i]!;
      const lower = Math.max(0, Math.min(levels.length - 2, isBelow ? code : code - 1));
      this.#lower[i] = lower;
      this.#gaps[i] = (levels[lower + 1]! - levels[lower]!) * units[i]!;
      this.#values[i] = lower === code ? -startValue : startValue;
    }
  }

  get size(): number {
    return this.#values.length;
  }

  /** The weights as they are between the levels, [O, K]. */
  weights(): Float32Array {
    const weights = dequantise({ ...this.#start, codes: this.#lower });
    for (let i = 0; i < weights.length; i++) weights[i]! += shareOf(this.#values[i]!) * this.#gaps[i]!;
    return weights;
  }

  /** Every weight at the level it is nearer to. */
  rounded(): QuantisedWeights {
    const codes = this.#lower.map((code, i) => (this.#values[i]! >= 0 ? code + 1 : code));
    return { ...this.#start, codes };
  }

  /**
   * @param gradients of the loss by the weights, [O, K]. @param penalty times the mean penalty of all weights is added to
   * the loss. @param sharpness b of the penalty
   */
  step(gradients: Float32Array, learningRate: number, penalty: number, sharpness: number): void {
    const t = ++this.#steps;
    const rate = (learningRate * Math.sqrt(1 - decay ** t)) / (1 - momentum ** t);
    const perWeight = penalty / this.size;
    for (let i = 0; i < gradients.length; i++) {
      const sigmoid = 1 / (1 + Math.exp(-this.#values[i]!));
      const share = sigmoid * (1 + 2 * stretch) - stretch;
      const slope = share <= 0 || share >= 1 ? 0 : sigmoid * (1 - sigmoid) * (1 + 2 * stretch);
      const off = 2 * share - 1;
      const drawn = -2 * sharpness * Math.abs(off) ** (sharpness - 1) * Math.sign(off);
      const gradient = slope * (gradients[i]! * this.#gaps[i]! + perWeight * drawn);
      const first = momentum * this.#first[i]! + (1 - momentum) * gradient;
      const second = decay * this.#second[i]! + (1 - decay) * gradient * gradient;
      this.#first[i] = first;
      this.#second[i] = second;
      this.#values[i]! -= (rate * first) / (Math.sqrt(second) + epsilon);
    }
  }
}

function shareOf(value: number): number {
  const share = (1 + 2 * stretch) / (1 + Math.exp(-value)) - stretch;
  return Math.min(1, Math.max(0, share));
}
