/**
 * Removes channels from a graph: out of weights, biases and whatever holds something for each channel, and out of the settings
 * that count them. What is left computes what it did where the removed channels held nothing.
 */
import { baseErrors } from "@cupel/base";
import {
  type Correspondence,
  type Counterpart,
  elementTypes,
  inferShapes,
  type Model,
  sameAs,
  Tensor,
  tensorType,
} from "@cupel/onnx";
import { setParameter } from "../layer.ts";
import type { Remains } from "./channel-rule.ts";
import type { Labels } from "./coupling.ts";
import type { FollowedChannels } from "./follow-channels.ts";

/**
 * Edits `model` in place; `followed` MUST be of it and is used up. Every group must keep a channel.
 * @param removed labels of channels, as groups name them.
 * @returns what became of its values: those that lost channels along another axis than 1 have no counterpart.
 */
export function removeChannels(
  model: Model,
  followed: FollowedChannels,
  removed: ReadonlySet<number>,
): Correspondence {
  const { graph } = model;
  const { coupling, values, places, edits } = followed;
  for (const channel of removed) {
    const reason = coupling.pinnedBy(channel);
    if (reason !== null)
      throw baseErrors.error("INTERNAL", `Channel ${channel} cannot be removed: ${reason}.`);
  }
  const remains: Remains = {
    places: (labels: Labels) =>
      Array.from(labels.keys()).filter((place) => !removed.has(coupling.find(labels[place]!))),
  };
  const cut = new Map<string, { readonly axis: number; readonly left: number[] }>();
  for (const [value, { axis, labels }] of values) {
    const left = remains.places(labels);
    if (left.length === 0)
      throw baseErrors.error("INTERNAL", `"${value.name}" would lose all of its channels.`);
    if (left.length < labels.length) cut.set(value.name, { axis, left });
  }
  for (const { labels, edit } of edits) {
    if (remains.places(labels).length < labels.length) edit(remains);
  }
  const done = new Set<string>();
  for (const { parameter, axis, labels } of places) {
    const key = `${axis} ${parameter.name}`;
    if (done.has(key)) continue;
    done.add(key);
    const left = remains.places(labels);
    if (left.length < labels.length) setParameter(graph, parameter, taken(parameter.constant!, axis, left));
  }
  const expected = new Map<string, number>();
  for (const [value, { axis, labels }] of values) {
    const { shape, type } = value;
    if (!shape || type?.kind !== "tensor") continue;
    const left = cut.get(value.name)?.left.length ?? labels.length;
    expected.set(value.name, left);
    value.type = tensorType(
      type.elementType!,
      shape.map((dim, i) => (i === axis ? left : dim)),
    );
  }
  inferShapes(model);
  for (const [value, { axis }] of values) {
    if (value.shape?.[axis] === expected.get(value.name)) continue;
    throw baseErrors.error(
      "INTERNAL",
      `"${value.name}" has the shape [${value.shape}] after channels were removed.`,
    );
  }
  return new Map(
    Array.from(graph.values()).flatMap(({ name }): [string, Counterpart][] => {
      const found = cut.get(name);
      if (!found) return [[name, sameAs(name)]];
      return found.axis === 1 ? [[name, { ...sameAs(name), channels: found.left }]] : [];
    }),
  );
}

/** Some places along an axis. */
export function taken(tensor: Tensor, axis: number, places: readonly number[]): Tensor {
  const { dims, type } = tensor;
  const size = elementTypes[type].bits / 8;
  const inner = dims.slice(axis + 1).reduce((product, dim) => product * dim, size);
  const outer = dims.slice(0, axis).reduce((product, dim) => product * dim, 1);
  const from = tensor.bytes();
  const to = new Uint8Array(outer * places.length * inner);
  let at = 0;
  for (let block = 0; block < outer; block++) {
    for (const place of places) {
      const start = (block * dims[axis]! + place) * inner;
      to.set(from.subarray(start, start + inner), at);
      at += inner;
    }
  }
  return Tensor.fromBytes(
    type,
    dims.map((dim, i) => (i === axis ? places.length : dim)),
    to,
  );
}
