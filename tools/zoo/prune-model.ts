/**
 * Takes half of the channels of every group, at random, out of one model of the zoo, and holds it to the same model with those channels
 * at zero, in a process of its own: `prune.ts` starts it and is told the outcome.
 */
import { own } from "@cupel/base";
import { cloneModel, encodeModel, type Model, readModelFile, type Value } from "@cupel/onnx";
import { openSession, randomFeeds } from "@cupel/runtime";
import { parsePreprocessing, preprocessingFor } from "@cupel/vision";
import { removeSome } from "../../model/compress/tools/remove-some.ts";
import { numbersOf, type Outputs } from "./agreement.ts";
import { preparationOf } from "./preparation.ts";
import type { PruneFigures } from "./prune-row.ts";
import { failure, stepApart } from "./steps-apart.ts";
import { feedsOf, type ImageTensors, tensorsOf, zooImages } from "./tensors.ts";

const threads = 1;
/** Of the largest value: sums have another order where there are fewer channels, which softmax and deep networks make more of. */
const mostDifference = 1e-3;
/** Tried, one after the other, where the order of sums decides what is answered. */
const mostImages = 8;
/** The last bit of a score decides what these take. */
const choosers = ["TopK", "NonMaxSuppression", "ArgMax", "ArgMin"];

const [path = "", name = ""] = process.argv.slice(2);

await stepApart("prune", async (): Promise<PruneFigures> => {
  const original = await readModelFile(path);
  const some = await removeSome(original, threads);
  if (some === null) throw failure("NOTHING_TO_PRUNE", "No channel of the model can be removed.");
  const { model, pruned, zero, layers, groups, channels, removed, kept } = some;
  const shape = original.graph.inputs[0]?.shape ?? null;
  const preprocessing = parsePreprocessing(preparationOf(name, shape), preprocessingFor(shape ?? []));

  const { images, dims } = await tensorsOf(await zooImages(mostImages), preprocessing);

  const steady = steadyOutputs(model);
  const seenIn = async (of: Model, image: ImageTensors, optimization?: "disabled"): Promise<Seen> => {
    const inLayers = await runOn(watched(of, layers), image, optimization);
    return {
      outputs: await runOn(watched(of, steady), image, optimization),
      layers:
        of === pruned ? inLayers : inLayers.map((values, i) => some.withoutChannels(values, layers[i]!)),
    };
  };
  // Random weights can lead an image to where the order of sums decides everything, such as a softmax between two large scores.
  for (const each of images) {
    const image = { images: [each], dims };
    const wanted = await seenIn(zero, image);
    const apart = differencesOf(wanted, await seenIn(pruned, image));
    const difference = Math.max(apart.outputs, apart.layers);
    if (difference < mostDifference) {
      const { layers: effect } = differencesOf(wanted, await seenIn(model, image));
      return { groups, channels, removed, difference, effect, kept };
    }
    const ofItself = differencesOf(wanted, await seenIn(zero, image, "disabled"));
    if (Math.max(ofItself.outputs, ofItself.layers) >= mostDifference) continue;
    const what = apart.outputs < mostDifference ? "LAYERS" : "OUTPUTS";
    throw failure(`${what}_DIFFER`, `by ${difference} of the largest value`);
  }
  throw failure(
    "OUTPUTS_UNSTEADY",
    `On ${mostImages} images what is computed with channels at zero changes by more than ${mostDifference} of the largest value where the engine's optimiser is off: nothing can be held to it.`,
  );
});
process.disconnect?.();

/** Of one image. */
interface Seen {
  readonly outputs: Outputs;
  readonly layers: Outputs;
}

function differencesOf(wanted: Seen, found: Seen) {
  return {
    outputs: differenceOf(wanted.outputs, found.outputs, 1),
    layers: differenceOf(wanted.layers, found.layers, 0),
  };
}

async function runOn(
  model: Model,
  image: ImageTensors,
  optimization: "all" | "disabled" = "all",
): Promise<Outputs> {
  if (model.graph.outputs.length === 0) return [];
  await using session = await openSession(encodeModel(model), { threads, optimization });
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
