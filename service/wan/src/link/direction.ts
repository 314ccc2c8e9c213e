/**
 * One direction of a link, as a pure machine: a packet goes in at a time, and comes out at a time or never. No clock, no
 * socket: the relay asks it, and tests ask it in simulated time.
 *
 * A packet waits until the link has sent those before it (rate), is refused where too much waits (queue), takes its delay,
 * and may be lost on the way, having taken its time of the link. Unless the direction reorders, packets of one flow (one
 * connection) keep their order: one that would overtake leaves with the one before it. Flows do not hold each other: held
 * to the order of the whole link, every packet of a busy one would wait for the slowest of its neighbours, and the mean
 * delay would be no longer the one asked for.
 */
import { createRandom } from "@cupel/base";
import { type DelayLaw, drawDelay } from "./delay-law.ts";
import { createLoss, type Loss, type LossLaw } from "./loss.ts";

export interface DirectionSpec {
  readonly delay: DelayLaw;
  readonly loss: LossLaw;
  /** Bits per second with the headers of IP; null: as many as come. */
  readonly rate: number | null;
  /** Bytes that may wait for the link; what would be more is dropped. Null: no limit. Without a rate nothing waits. */
  readonly queueBytes: number | null;
  /** Whether packets of one flow may overtake each other. */
  readonly reorders: boolean;
}

export type Fate =
  | { readonly kind: "leaves"; readonly at: number }
  | { readonly kind: "lost" }
  | { readonly kind: "overflowed" };

/** Flows are told apart by so many bits of a hash; two that share one only keep each other's order. */
export const flowBits = 16;

const lost: Fate = { kind: "lost" };
const overflowed: Fate = { kind: "overflowed" };

export class Direction {
  readonly #spec: DirectionSpec;
  readonly #random: ReturnType<typeof createRandom>;
  readonly #isLost: Loss;
  /** When the last packet of each flow leaves, ms. */
  readonly #lastOf = new Float64Array(1 << flowBits);
  /** When the link has sent all that waits, ms. */
  #freeAt = 0;

  constructor(spec: DirectionSpec, seed: number) {
    this.#spec = spec;
    this.#random = createRandom(seed);
    this.#isLost = createLoss(spec.loss, createRandom(seed + 1));
  }

  /** @param now ms, which MUST NOT go back. @param flow a whole number below 2^flowBits. */
  admit(now: number, bytes: number, flow: number): Fate {
    const { rate, queueBytes, delay, reorders } = this.#spec;
    let sentAt = now;
    if (rate !== null) {
      const waitingMs = Math.max(0, this.#freeAt - now);
      const waitingBytes = (waitingMs * rate) / 8000;
      if (queueBytes !== null && waitingBytes + bytes > queueBytes) return overflowed;
      sentAt = now + waitingMs + (bytes * 8000) / rate;
      this.#freeAt = sentAt;
    }
    // Drawn for lost ones too: what is lost does not change the delays of the others.
    const drawn = sentAt + drawDelay(delay, this.#random);
    if (this.#isLost()) return lost;
    const at = reorders ? drawn : Math.max(drawn, this.#lastOf[flow]!);
    this.#lastOf[flow] = at;
    return { kind: "leaves", at };
  }
}
