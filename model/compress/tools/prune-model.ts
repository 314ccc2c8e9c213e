/**
 * Takes half of the channels of every group, at random, out of one model of the zoo, and holds it to the same model with those channels
 * at zero, in a process of its own: `prune-zoo.ts` starts it and is told the outcome.
 */
import { createRandom, own } from "@cupel/base";
import {
  checkModel,
  cloneModel,
  encodeModel,
  inferShapes,
  type Model,
  readModelFile,
  runPasses,
  Tensor,
  type Value,
} from "@cupel/onnx";
import { openSession, randomFeeds } from "@cupel/runtime";
import { parsePreprocessing, preprocessingFor } from "@cupel/vision";
import { numbersOf, type Outputs } from "../../../tools/zoo/agreement.ts";
import { preparationOf } from "../../../tools/zoo/preparation.ts";
import { failure, stepApart } from "../../../tools/zoo/steps-apart.ts";
import { feedsOf, type ImageTensors, tensorsOf, zooImages } from "../../../tools/zoo/tensors.ts";
import { takeIn } from "../src/intake/take-in.ts";
import { weightedLayers } from "../src/layer.ts";
import { channelGroups } from "../src/prune/channel-groups.ts";
import { type FollowedChannels, followChannels, type Refusal } from "../src/prune/follow-channels.ts";
import { removeChannels } from "../src/prune/remove-channels.ts";
import { assertCompressible, assertInFloat } from "../src/requirements.ts";
import { cleanPasses } from "../src/stage/clean.ts";
import { someChannels, zeroed } from "../test/support/zeroed.ts";
import type { Kept, PruneFigures } from "./prune-row.ts";

const threads = 1;
/** Of the largest value: sums have another order where there are fewer channels, which softmax and deep networks make more of. */
const mostDifference = 1e-3;
/** The last bit of a score decides what these take. */
const choosers = ["TopK", "NonMaxSuppression", "ArgMax", "ArgMin"];

const [path = "", name = ""] = process.argv.slice(2);

await stepApart("prune", async (): Promise<PruneFigures> => {
  const original = await readModelFile(path);
  assertInFloat(original);
  const { model } = await takeIn(original, { threads });
  assertCompressible(model);
  runPasses(model, cleanPasses);
  inferShapes(model);
  drawAnew(model);
  const { followed, groups, refusals } = channelGroups(model);
  if (groups.length === 0) throw failure("NOTHING_TO_PRUNE", "No channel of the model can be removed.");
  const removed = someChannels(model, 1);
  const pruned = cloneModel(model);
  removeChannels(pruned, followChannels(pruned), removed);
  checkModel(pruned);
  const zero = zeroed(model, removed, true);

  const shape = original.graph.inputs[0]?.shape ?? null;
  const preprocessing = parsePreprocessing(preparationOf(name, shape), preprocessingFor(shape ?? []));
  const image = await tensorsOf(await zooImages(1), preprocessing);
  const steady = steadyOutputs(model);
  const wanted = await runOn(watched(zero, steady), image);
  const ofOutputs = differenceOf(wanted, await runOn(watched(pruned, steady), image), 1);
  if (!(ofOutputs < mostDifference)) throw failure("OUTPUTS_DIFFER", `by ${ofOutputs} of the largest value`);

  const layers = weightedLayers(model.graph).map(({ node }) => node.output.name);
  const kept = (values: Outputs) =>
    values.map((each, i) => withoutChannels(each, model.graph.value(layers[i]!)!, followed, removed));
  const zeroLayers = kept(await runOn(watched(zero, layers), image));
  const ofLayers = differenceOf(zeroLayers, await runOn(watched(pruned, layers), image), 0);
  if (!(ofLayers < mostDifference)) throw failure("LAYERS_DIFFER", `by ${ofLayers} of the largest value`);
  return {
    groups: groups.length,
    channels: groups.reduce((sum, { channels }) => sum + channels.length, 0),
    removed: removed.size,
    difference: Math.max(ofOutputs, ofLayers),
    effect: differenceOf(zeroLayers, kept(await runOn(watched(model, layers), image)), 0),
    kept: keptBy(model, refusals),
  };
});
process.disconnect?.();

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

async function runOn(model: Model, image: ImageTensors): Promise<Outputs> {
  if (model.graph.outputs.length === 0) return [];
  await using session = await openSession(encodeModel(model), { threads });
  const outputs = await session.run({ ...randomFeeds(session.inputs, 1), ...feedsOf(session, image, 0) });
  return session.outputs.map(({ name: output }) => numbersOf(own(outputs, output)!));
}

/** Outputs that no choice comes before, and before they are rounded to float16. */
function steadyOutputs({ graph }: Model): string[] {
  const chosen = new Set<Value>();
  for (const node of graph.nodes) {
    if (!node.is(...choosers) && !node.inputs.some((value) => value && chosen.has(value))) continue;
    for (const value of node.outputs) chosen.add(value);
  }
  return graph.outputs.flatMap((value) => {
    if (chosen.has(value)) return [];
    const cast = value.producer?.is("Cast") ? value.producer.input(0) : null;
    return (cast ?? value).name;
  });
}

/** With these values as its outputs. */
function watched(model: Model, names: readonly string[]): Model {
  const copy = cloneModel(model);
  const { outputs } = copy.graph;
  outputs.splice(0, outputs.length, ...names.map((each) => copy.graph.value(each)!));
  return copy;
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

/**
 * Over the largest value of each, or `least` where that is larger. Infinite where there is another number of values, or one that is
 * no number.
 */
function differenceOf(wanted: Outputs, found: Outputs, least: number): number {
  let worst = 0;
  for (const [i, values] of wanted.entries()) {
    const others = found[i]!;
    if (others.length !== values.length) return Number.POSITIVE_INFINITY;
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), least) || 1;
    for (const [k, value] of values.entries()) {
      const difference = Math.abs(value - others[k]!) / scale;
      worst = Math.max(worst, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    }
  }
  return worst;
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
