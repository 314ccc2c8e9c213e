/**
 * Half of the channels of every group of a model, at random, removed and at zero: what the zoo holds against each other, see
 * tools/zoo/prune.ts.
 */
import { createRandom } from "@cupel/base";
import { checkModel, cloneModel, inferShapes, type Model, runPasses, Tensor, type Value } from "@cupel/onnx";
import { takeIn } from "../src/intake/take-in.ts";
import { weightedLayers } from "../src/layer.ts";
import { channelGroups } from "../src/prune/channel-groups.ts";
import { type FollowedChannels, followChannels, type Refusal } from "../src/prune/follow-channels.ts";
import { removeChannels } from "../src/prune/remove-channels.ts";
import { assertCompressible, assertInFloat } from "../src/requirements.ts";
import { cleanPasses } from "../src/stage/clean.ts";
import { someChannels, zeroed } from "../test/support/zeroed.ts";

/** Channels that stay, by what keeps them. */
export interface Kept {
  /** The operator's name. */
  readonly operator: string;
  readonly reason: string;
  readonly channels: number;
}

export interface SomeRemoved {
  /** Taken in and clean, with all of its channels. */
  readonly model: Model;
  readonly pruned: Model;
  /** With the channels at zero. */
  readonly zero: Model;
  readonly groups: number;
  /** Of all groups. */
  readonly channels: number;
  readonly removed: number;
  readonly kept: readonly Kept[];
  /** Names of what layers compute. */
  readonly layers: readonly string[];
  /** What is left of a value of one image, by its name. */
  withoutChannels(values: Float32Array, name: string): Float32Array;
}

/** @returns null where no channel can go. @throws as `compress` does before its first stage */
export async function removeSome(original: Model, threads: number): Promise<SomeRemoved | null> {
  assertInFloat(original);
  const { model } = await takeIn(original, { threads });
  assertCompressible(model);
  runPasses(model, cleanPasses);
  inferShapes(model);
  drawAnew(model);
  const { followed, groups, refusals } = channelGroups(model);
  if (groups.length === 0) return null;
  const removed = someChannels(model, 1);
  const pruned = cloneModel(model);
  removeChannels(pruned, followChannels(pruned), removed);
  checkModel(pruned);
  return {
    model,
    pruned,
    zero: zeroed(model, removed, true),
    groups: groups.length,
    channels: groups.reduce((sum, { channels }) => sum + channels.length, 0),
    removed: removed.size,
    kept: keptBy(model, refusals),
    layers: weightedLayers(model.graph).map(({ node }) => node.output.name),
    withoutChannels: (values, name) => withoutChannels(values, model.graph.value(name)!, followed, removed),
  };
}

/** Weights of which a whole tensor is one number would agree whichever channels went. */
function drawAnew(model: Model): void {
  const random = createRandom(1);
  for (const { weight, columns } of weightedLayers(model.graph)) {
    const { dims, size } = weight.constant!;
    const values = weight.constant!.toFloat32();
    if (values.some((value) => value !== values[0])) continue;
    const drawn = Float32Array.from({ length: size }, () => random.normal() * Math.sqrt(2 / columns));
    model.graph.setConstant(weight, Tensor.float32(dims, drawn));
  }
}

/** What is left of a value of one image. */
function withoutChannels(
  values: Float32Array,
  value: Value,
  { values: channels, coupling }: FollowedChannels,
  removed: ReadonlySet<number>,
): Float32Array {
  const found = channels.get(value);
  if (!found) return values;
  const { axis, labels } = found;
  const inner = value.shape!.slice(axis + 1);
  // Sizes behind the axis may be open: they are what is left of the elements, where the axis is among the first two.
  const before = value.shape!.slice(1, axis).reduce<number>((product, dim) => product * Number(dim), 1);
  const run = inner.every((dim) => typeof dim === "number")
    ? inner.reduce<number>((product, dim) => product * Number(dim), 1)
    : values.length / labels.length / (axis < 2 ? 1 : before);
  return values.filter((_, i) => !removed.has(coupling.find(labels[Math.floor(i / run) % labels.length]!)));
}

/** By operator and reason; the names of values are left out. */
function keptBy({ graph }: Model, refusals: readonly Refusal[]): Kept[] {
  const operators = new Map([...graph.allNodes()].map((node) => [node.label, node.opType]));
  const each = refusals.map(({ node, reason, channels }) => ({
    operator: operators.get(node!) ?? "",
    reason: reason.replaceAll(/"[^"]*"/g, "a constant"),
    channels,
  }));
  const together = Map.groupBy(each, ({ operator, reason }) => `${operator} ${reason}`);
  return [...together.values()].map((same) => ({
    ...same[0]!,
    channels: same.reduce((sum, { channels }) => sum + channels, 0),
  }));
}
