/** What the layers that sum over channels read, and what makes them: the two sides that importance is taken from. */
import type { Value } from "@cupel/onnx";
import { runLength } from "./channel-map.ts";
import type { ChannelPlace, FollowedChannels } from "./follow-channels.ts";
import type { MeasuredValue } from "./measure-channels.ts";

export interface LayerInput {
  readonly place: ChannelPlace;
  readonly value: Value;
  readonly measured: MeasuredValue;
}

/** Largest number of channels whose products are measured: 64 MB. */
const mostChannels = 4096;

/** Of layers without groups; those whose input has more channels than is measured are left out. */
export function layerInputs({ places, values }: FollowedChannels): LayerInput[] {
  return places.flatMap((place): LayerInput[] => {
    if (place.side !== "reads") return [];
    const value = place.node.inputs.find((input) => input && input !== place.parameter && values.has(input));
    const channels = value && values.get(value);
    if (!value || !channels || channels.labels.length !== place.labels.length) return [];
    // Only behind the images does a run of places stand for one channel.
    const run = channels.axis === 1 ? runLength(channels.labels) : 1;
    const count = channels.labels.length / run;
    if (count > mostChannels) return [];
    return [{ place, value, measured: { name: value.name, axis: channels.axis, channels: count, run } }];
  });
}

export function measuredOnce(inputs: readonly LayerInput[]): MeasuredValue[] {
  return [...new Map(inputs.map(({ measured }) => [measured.name, measured])).values()];
}

/** Weights that make channels, a layer each; biases are left out. */
export function makingWeights({ places }: FollowedChannels): ChannelPlace[] {
  return places.filter(({ side, parameter }) => side === "makes" && parameter.constant!.dims.length > 1);
}
