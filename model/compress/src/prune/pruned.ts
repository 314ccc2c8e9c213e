/** What pruning did, as data. */
import type { Refusal } from "./follow-channels.ts";

export interface PrunedGroup {
  /** The first layer that makes its channels. */
  readonly name: string;
  readonly layers: readonly string[];
  readonly channels: number;
  readonly kept: number;
  /** What removing more and more of this group alone does, without compensation; from the whole group down. */
  readonly sensitivity: readonly SensitivityPoint[];
}

export interface SensitivityPoint {
  /** Channels of the group that stay. */
  readonly kept: number;
  /** Power of the change of the model's outputs over that of the outputs, on selection images: 0 to 1. */
  readonly divergence: number;
}

/** What a search for widths foretold of the network it chose; null for what it did not look at. */
export interface PredictedCosts {
  /** Of the file, by the bits planned. */
  readonly bytes: number | null;
  /** By the table of layer times, in the unit of the target: milliseconds, or a share of the original's time. */
  readonly latency: number | null;
  /** Top-1 lost on held-out images by the network it looked at: rounded, or in float where bits were still to be chosen. */
  readonly drop: number | null;
}

/** Of the divergence that `Pruned` has. */
export interface FineTuning {
  readonly epochs: number;
  readonly before: number;
  readonly after: number;
  /** Whether the trained network was kept: only where it is nearer to the original. */
  readonly isKept: boolean;
}

export interface Pruned {
  /** Where widths were chosen by a target; else null. */
  readonly predicted: PredictedCosts | null;
  /** Of all groups. */
  readonly channels: number;
  readonly kept: number;
  readonly groups: readonly PrunedGroup[];
  /** What keeps the channels that are in no group. */
  readonly refusals: readonly Refusal[];
  /** As the points of `sensitivity`, of all that was removed: compensated and fine-tuned, as far as the recipe says so. */
  readonly divergence: number;
  /** Null where nothing was trained. */
  readonly fineTuning: FineTuning | null;
}
