/**
 * Which packets are lost: each by itself, or in bursts after Gilbert (1960) and Elliott (1963), a chain of two states that
 * moves before each packet. Losses of real links come in bursts: a share alone does not say how many.
 */
import type { Random } from "@cupel/base";

export type LossLaw =
  | { readonly kind: "none" }
  | { readonly kind: "independent"; readonly share: number }
  | {
      readonly kind: "bursts";
      /** Probabilities of a change of state, a packet. The mean burst is 1 / badToGood packets. */
      readonly goodToBad: number;
      readonly badToGood: number;
      /** Shares that are lost in each state. */
      readonly lossInGood: number;
      readonly lossInBad: number;
    };

/** Told packet by packet whether it is lost. */
export type Loss = () => boolean;

export function createLoss(law: LossLaw, random: Random): Loss {
  switch (law.kind) {
    case "none":
      return () => false;
    case "independent":
      return () => random.uniform() < law.share;
    case "bursts": {
      // Begins as if it had run for ever, so that the first second loses what the others do.
      let isBad = random.uniform() < badShare(law);
      return () => {
        const changes = random.uniform() < (isBad ? law.badToGood : law.goodToBad);
        if (changes) isBad = !isBad;
        return random.uniform() < (isBad ? law.lossInBad : law.lossInGood);
      };
    }
  }
}

/** The share that is lost in the long run. */
export function lossShare(law: LossLaw): number {
  switch (law.kind) {
    case "none":
      return 0;
    case "independent":
      return law.share;
    case "bursts": {
      const bad = badShare(law);
      return bad * law.lossInBad + (1 - bad) * law.lossInGood;
    }
  }
}

/**
 * How much further the counted share strays than with independent losses: the factor of its variance. A chain of two
 * states forgets by 1 - goodToBad - badToGood a packet.
 */
export function lossVarianceFactor(law: LossLaw): number {
  if (law.kind !== "bursts") return 1;
  const memory = 1 - law.goodToBad - law.badToGood;
  return Math.max(1, (1 + memory) / (1 - memory));
}

function badShare({ goodToBad, badToGood }: { goodToBad: number; badToGood: number }): number {
  return goodToBad / (goodToBad + badToGood);
}
