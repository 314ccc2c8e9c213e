/**
 * Channels that are removed together, and groups of them. A channel here is one label: "removing channel 3 of conv1 removes
 * channel 3 of bn1, input 3 of conv2". A group holds the channels that lie in the same values throughout, so that as many of it
 * as one likes may go, and every value keeps some as long as every group does.
 */
import type { Model } from "@cupel/onnx";
import type { Side } from "./channel-rule.ts";
import { type ChannelPlace, type FollowedChannels, followChannels, type Refusal } from "./follow-channels.ts";

export interface ChannelGroup {
  /** The first layer that makes its channels; numbered where a layer makes channels of several groups. */
  readonly name: string;
  /** Labels, as the model counts them. */
  readonly channels: readonly number[];
  /** Names of the layers that make them. */
  readonly layers: readonly string[];
}

export interface ChannelGroups {
  readonly followed: FollowedChannels;
  readonly groups: readonly ChannelGroup[];
  /** What keeps the other channels. */
  readonly refusals: readonly Refusal[];
}

export function channelGroups(model: Model): ChannelGroups {
  const followed = followChannels(model);
  const { coupling, values, places, refusals } = followed;
  const isFree = (label: number) => coupling.pinnedBy(label) === null;
  // What tells groups apart: the sets of channels that lie in one value.
  const sets = new Map<string, readonly number[]>();
  for (const { labels } of values.values()) {
    const roots = [...new Set(Array.from(labels, (label) => coupling.find(label)))].sort((a, b) => a - b);
    sets.set(roots.join(), roots);
  }
  const signatures = new Map<number, number[]>();
  for (const [index, roots] of [...sets.values()].entries()) {
    for (const root of roots.filter(isFree)) {
      const signature = signatures.get(root);
      if (signature) signature.push(index);
      else signatures.set(root, [index]);
    }
  }
  const members = Map.groupBy(signatures.keys(), (root) => signatures.get(root)!.join());
  const makers = new Map<number, Set<string>>();
  for (const { node, side, labels } of places) {
    if (side !== "makes") continue;
    for (const label of labels) {
      const root = coupling.find(label);
      const found = makers.get(root);
      if (found) found.add(nameOf(node));
      else makers.set(root, new Set([nameOf(node)]));
    }
  }
  const taken = new Map<string, number>();
  const groups = [...members.values()].map((channels): ChannelGroup => {
    const layers = [...new Set(channels.flatMap((channel) => [...(makers.get(channel) ?? [])]))];
    const first = layers[0] ?? "padding";
    const count = (taken.get(first) ?? 0) + 1;
    taken.set(first, count);
    return {
      name: count === 1 ? first : `${first} (${count})`,
      channels: channels.sort((a, b) => a - b),
      layers,
    };
  });
  return { followed, groups, refusals: refusals.filter(({ node }) => node !== null) };
}

export function nameOf({ name, output }: ChannelPlace["node"]): string {
  return name || output.name;
}

const words: Readonly<Record<Side, string>> = { makes: "channel", reads: "input", holds: "channel" };

/** "removing channel 3 of conv1 removes channel 3 of bn1, input 3 of conv2" */
export function describeChannel({ followed }: ChannelGroups, channel: number): string {
  const { coupling, places } = followed;
  const found = new Set<string>();
  for (const { node, side, labels } of places) {
    const at = Array.from(labels.keys()).filter((place) => coupling.find(labels[place]!) === channel);
    if (at.length > 0) found.add(`${words[side]}${at.length > 1 ? "s" : ""} ${spans(at)} of ${nameOf(node)}`);
  }
  const [first, ...others] = found;
  return `removing ${first} removes ${others.join(", ") || "nothing else"}`;
}

/** "3", "3, 19" or "192 to 255" */
function spans(places: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const place of places) {
    const last = runs.at(-1);
    if (last && place === last[1] + 1) last[1] = place;
    else runs.push([place, place]);
  }
  return runs
    .map(([from, to]) => (from === to ? `${from}` : to === from + 1 ? `${from}, ${to}` : `${from} to ${to}`))
    .join(", ");
}
