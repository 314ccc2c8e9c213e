/**
 * How much a channel matters. Each way gives numbers for the channels of a layer; divided by their mean within the layer (L1), layers
 * compare, and a channel that several layers make or read has the mean of what they say.
 */
import type { Model } from "@cupel/onnx";
import type { StageContext } from "../stage/stage.ts";
import type { ChannelGroups } from "./channel-groups.ts";
import type { Labels } from "./coupling.ts";
import { layerInputs, makingWeights } from "./layer-inputs.ts";
import type { ChannelMoments } from "./measure-channels.ts";
import { taylorScores } from "./taylor-scores.ts";

export const importances = ["taylor", "norm", "variance"] as const;
export type ImportanceKind = (typeof importances)[number];

/** By channel, as groups name them; 1 is the mean of a layer. */
export type Importance = ReadonlyMap<number, number>;

/** What one layer says of channels, by place. */
export interface LayerScores {
  readonly labels: Labels;
  readonly scores: ArrayLike<number>;
}

/** @param moments of what layers read, for "variance". @throws what `taylorScores` throws, for "taylor" */
export async function channelImportance(
  model: Model,
  groups: ChannelGroups,
  kind: ImportanceKind,
  context: StageContext,
  moments: ReadonlyMap<string, ChannelMoments>,
): Promise<Importance> {
  const scores = {
    norm: () => normScores(groups),
    variance: () => varianceScores(groups, moments),
    taylor: () => gradientScores(model, groups, context),
  };
  return combined(groups, await scores[kind]());
}

/** Euclidean norm of the weights that make a channel. */
function normScores({ followed }: ChannelGroups): LayerScores[] {
  return makingWeights(followed).map(({ parameter, axis, labels }) => {
    const { dims } = parameter.constant!;
    const inner = dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
    const squares = new Float64Array(labels.length);
    for (const [i, weight] of parameter.constant!.toFloat32().entries()) {
      squares[Math.floor(i / inner) % labels.length]! += weight * weight;
    }
    return { labels, scores: squares.map(Math.sqrt) };
  });
}

/** Deviation of a channel where a layer reads it: one that is always the same is worth a bias. */
function varianceScores(
  { followed }: ChannelGroups,
  moments: ReadonlyMap<string, ChannelMoments>,
): LayerScores[] {
  return layerInputs(followed).flatMap(({ place, measured }) => {
    const found = moments.get(measured.name);
    if (!found) return [];
    const { channels, run } = measured;
    const scores = Float64Array.from({ length: channels }, (_, c) =>
      Math.sqrt(Math.max(0, found.products[c * channels + c]! - found.means[c]! ** 2)),
    );
    return [{ labels: place.labels.filter((_, i) => i % run === 0), scores }];
  });
}

async function gradientScores(
  model: Model,
  { followed }: ChannelGroups,
  context: StageContext,
): Promise<LayerScores[]> {
  const made = makingWeights(followed).flatMap(({ node }) => {
    const channels = followed.values.get(node.output);
    return channels ? [{ name: node.output.name, ...channels }] : [];
  });
  const scores = await taylorScores(model, made, context);
  return made.map(({ name, labels }) => ({ labels, scores: scores.get(name)! }));
}

function combined({ followed, groups }: ChannelGroups, layers: readonly LayerScores[]): Importance {
  const totals = new Map<number, { sum: number; layers: number }>();
  for (const { labels, scores } of layers) {
    const ofLayer = new Map<number, number>();
    for (const [i, label] of labels.entries()) {
      const root = followed.coupling.find(label);
      ofLayer.set(root, (ofLayer.get(root) ?? 0) + scores[i]!);
    }
    let sum = 0;
    for (const score of ofLayer.values()) sum += score;
    const mean = sum / ofLayer.size;
    for (const [root, score] of ofLayer) {
      const total = totals.get(root) ?? { sum: 0, layers: 0 };
      total.sum += mean > 0 ? score / mean : 1;
      total.layers++;
      totals.set(root, total);
    }
  }
  // What no layer says anything of holds a constant.
  return new Map(
    groups.flatMap(({ channels }) =>
      channels.map((channel): [number, number] => {
        const total = totals.get(channel);
        return [channel, total ? total.sum / total.layers : 0];
      }),
    ),
  );
}
