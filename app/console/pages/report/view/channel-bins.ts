/**
 * One row of the heat map: the channels of a layer as at most 128 cells.
 *
 * Channels carry no order of their own, so by default the worst stand left and every row reads as a
 * profile: how much of the layer is affected, and how badly. A cell of several channels shows the
 * worst of them, so nothing bad can hide in an average.
 */
import { type Figure, isFigure } from "../../../shared/view/number-text.ts";

export const MOST_CELLS = 128;

export type ChannelOrder = "worst-first" | "as-stored";

export interface ChannelCell {
  /** The worst error in the cell; null where no channel has a figure. */
  readonly error: number | null;
  /** Channel indices in the cell, in the order shown. */
  readonly channels: readonly number[];
  /** Where the cell lies in its row, as shares of the layer's channels. */
  readonly from: number;
  readonly to: number;
}

/** @param errors one figure a channel; null (not a number) sorts last. */
export function channelCells(
  errors: readonly Figure[],
  order: ChannelOrder = "worst-first",
  most = MOST_CELLS,
): ChannelCell[] {
  const channels = errors.map((_, channel) => channel);
  if (order === "worst-first") {
    const rank = (channel: number) => {
      const error = errors[channel];
      return isFigure(error) ? error : Number.NEGATIVE_INFINITY;
    };
    channels.sort((a, b) => rank(b) - rank(a) || a - b);
  }
  const count = Math.min(most, channels.length);
  return Array.from({ length: count }, (_, cell) => {
    const first = Math.floor((cell * channels.length) / count);
    const end = Math.floor(((cell + 1) * channels.length) / count);
    const held = channels.slice(first, end);
    return {
      error: worst(held.map((channel) => errors[channel])),
      channels: held,
      from: first / channels.length,
      to: end / channels.length,
    };
  });
}

function worst(errors: readonly Figure[]): number | null {
  return errors.reduce<number | null>(
    (most, error) => (isFigure(error) && (most === null || error > most) ? error : most),
    null,
  );
}

/** "channel 17", "channels 17, 3, 201 and 13 more" */
export function channelsPhrase(channels: readonly number[], named = 4): string {
  if (channels.length === 1) return `channel ${channels[0]}`;
  const shown = channels.slice(0, named);
  const rest = channels.length - shown.length;
  if (rest > 0) return `channels ${shown.join(", ")} and ${rest} more`;
  return `channels ${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}
