/** How wide values are when so many channels of each group stay, and what may stay of a group. */
import type { GroupOptions, WidthOption } from "../search/choose-widths.ts";
import type { ChannelGroup, ChannelGroups } from "./channel-groups.ts";
import type { SensitivityPoint } from "./pruned.ts";

/** Places along the axis of channels: `fixed` and so many for each channel of some groups. */
export interface ValueWidth {
  readonly full: number;
  readonly fixed: number;
  readonly parts: readonly { readonly group: number; readonly each: number }[];
}

/** By name of the value, of those that some group has channels in. */
export function valueWidths({ followed, groups }: ChannelGroups): ReadonlyMap<string, ValueWidth> {
  const groupOf = new Map(groups.flatMap(({ channels }, i) => channels.map((channel) => [channel, i])));
  const widths = new Map<string, ValueWidth>();
  for (const [{ name }, { labels }] of followed.values) {
    const places = new Map<number, number>();
    for (const label of labels) {
      const group = groupOf.get(followed.coupling.find(label));
      if (group !== undefined) places.set(group, (places.get(group) ?? 0) + 1);
    }
    if (places.size === 0) continue;
    const parts = Array.from(places, ([group, count]) => ({
      group,
      each: count / groups[group]!.channels.length,
    }));
    const moving = Array.from(places.values()).reduce((sum, count) => sum + count, 0);
    widths.set(name, { full: labels.length, fixed: labels.length - moving, parts });
  }
  return widths;
}

export function placesLeft({ fixed, parts }: ValueWidth, kept: readonly number[]): number {
  return parts.reduce((sum, { group, each }) => sum + each * kept[group]!, fixed);
}

/** Of a group at most this share goes: what more would do was never measured. */
const leastShare = 0.25;

/** The widths a group may have, in multiples, and the harm of each: between measured points on a line, never less than of a wider one. */
export function optionsOf(
  { channels }: ChannelGroup,
  curve: readonly SensitivityPoint[],
  multipleOf: number,
): GroupOptions {
  const full = channels.length;
  const options: [WidthOption, ...WidthOption[]] = [{ width: full, harm: 0 }];
  const least = Math.max(1, Math.ceil(full * leastShare));
  let harm = 0;
  for (let width = (Math.ceil(full / multipleOf) - 1) * multipleOf; width >= least; width -= multipleOf) {
    harm = Math.max(harm, harmAt(curve, width));
    options.push({ width, harm });
  }
  return options;
}

function harmAt(curve: readonly SensitivityPoint[], width: number): number {
  const below = curve.findIndex(({ kept }) => kept <= width);
  const [wide, narrow] = below <= 0 ? curve.slice(-2) : [curve[below - 1], curve[below]];
  if (!wide || !narrow || wide.kept === narrow.kept) return wide?.divergence ?? 0;
  const share = (wide.kept - width) / (wide.kept - narrow.kept);
  return wide.divergence + share * (narrow.divergence - wide.divergence);
}
