/**
 * Which channels go: those that matter least, over all groups together, in steps that leave widths the kernels like. Every group
 * keeps half of the share that is to stay, at least, and so a channel.
 */
import type { ChannelGroup } from "./channel-groups.ts";
import type { Importance } from "./importance.ts";

export interface ChooseOptions {
  /** Share of the channels of all groups that stays, above 0, at most 1. Never less stays. */
  readonly keep: number;
  /** Groups lose channels until what is left is a multiple of this. */
  readonly multipleOf: number;
  /** Least number of channels that a group keeps, which is 1 at least. Default: half of `keep` of them. */
  readonly least?: ((group: ChannelGroup) => number) | undefined;
}

/** The channels to remove, least important first. */
export function chooseChannels(
  groups: readonly ChannelGroup[],
  importance: Importance,
  { keep, multipleOf, least = ({ channels }) => leastKept(channels.length, keep) }: ChooseOptions,
): Set<number> {
  const total = groups.reduce((sum, { channels }) => sum + channels.length, 0);
  const wanted = Math.floor(total * (1 - keep) + 1e-9);
  const steps = groups
    .flatMap((group) => stepsOf(ranked(group.channels, importance), multipleOf, least(group)))
    .map((channels) => ({ channels, score: meanOf(channels, importance) }))
    .sort((a, b) => a.score - b.score);
  const removed = new Set<number>();
  for (const { channels } of steps) {
    if (removed.size + channels.length > wanted) continue;
    for (const channel of channels) removed.add(channel);
  }
  return removed;
}

/** Half of the share that is to stay, and a channel. */
export function leastKept(channels: number, keep: number): number {
  return Math.max(1, Math.ceil((channels * keep) / 2));
}

/** Least important first; equal ones in their order. */
export function ranked(channels: readonly number[], importance: Importance): number[] {
  return [...channels].sort((a, b) => (importance.get(a) ?? 0) - (importance.get(b) ?? 0) || a - b);
}

/** What may go together, in order: the first step leaves a multiple, and every other one does again. */
function stepsOf(channels: readonly number[], multipleOf: number, least: number): number[][] {
  const steps: number[][] = [];
  for (let at = 0; at < channels.length; ) {
    const size = (channels.length - at) % multipleOf || multipleOf;
    if (channels.length - at - size < least) break;
    steps.push(channels.slice(at, at + size));
    at += size;
  }
  return steps;
}

function meanOf(channels: readonly number[], importance: Importance): number {
  return channels.reduce((sum, channel) => sum + (importance.get(channel) ?? 0), 0) / channels.length;
}
