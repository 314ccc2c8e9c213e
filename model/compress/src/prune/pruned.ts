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

export interface Pruned {
  /** Of all groups. */
  readonly channels: number;
  readonly kept: number;
  readonly groups: readonly PrunedGroup[];
  /** What keeps the channels that are in no group. */
  readonly refusals: readonly Refusal[];
  /** As the points of `sensitivity`, of all that was removed: compensated and fine-tuned, as far as the recipe says so. */
  readonly divergence: number;
}
