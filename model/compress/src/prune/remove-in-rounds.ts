/** Removes channels a part at a time, each part ranked and compensated anew: what matters changes with what is gone. */
import { CupelError } from "@cupel/base";
import { type Correspondence, followed, type Model, sameValues } from "@cupel/onnx";
import type { StageContext } from "../stage/stage.ts";
import { type ChannelGroups, channelGroups } from "./channel-groups.ts";
import { chooseChannels, leastKept, ranked } from "./choose-channels.ts";
import { compensate } from "./compensate.ts";
import { channelImportance, type Importance, type ImportanceKind } from "./importance.ts";
import { layerInputs, measuredOnce } from "./layer-inputs.ts";
import { type ChannelMoments, measureChannels } from "./measure-channels.ts";
import { removeChannels } from "./remove-channels.ts";

export interface RankingOptions {
  readonly importance: ImportanceKind;
  readonly compensate: boolean;
}

export interface RoundOptions extends RankingOptions {
  readonly rounds: number;
  readonly multipleOf: number;
}

export interface Ranking {
  readonly importance: Importance;
  readonly moments: ReadonlyMap<string, ChannelMoments>;
  readonly notes: readonly string[];
}

export interface Removed {
  readonly channels: number;
  /** Layers that took something over, in the last round that removed anything. */
  readonly compensated: number;
  readonly correspondence: Correspondence;
}

/** What goes in a round, of groups of the model as it is by then. @param done share of all rounds that are over behind it */
export type ChooseRound = (
  groups: ChannelGroups["groups"],
  importance: Importance,
  done: number,
) => ReadonlySet<number>;

/** Those that matter least of all groups, until a share is left. @param original groups of the whole model */
export function toShare(original: ChannelGroups["groups"], keep: number, multipleOf: number): ChooseRound {
  const widths = new Map(original.map(({ name, channels }) => [name, channels.length]));
  const total = original.reduce((sum, { channels }) => sum + channels.length, 0);
  return (groups, importance, done) =>
    chooseChannels(groups, importance, {
      keep: Math.min(1, (total * keep ** done) / importance.size),
      multipleOf,
      least: ({ name, channels }) => leastKept(widths.get(name) ?? channels.length, keep),
    });
}

/** Those that matter least of each group, until it has its width. @param kept of each group, in the order of `original` */
export function toWidths(
  original: ChannelGroups["groups"],
  kept: readonly number[],
  multipleOf: number,
): ChooseRound {
  const goals = new Map(
    original.map(({ name, channels }, i) => [name, { from: channels.length, to: kept[i]! }]),
  );
  return (groups, importance, done) =>
    new Set(
      groups.flatMap(({ name, channels }) => {
        const { from, to } = goals.get(name) ?? { from: channels.length, to: channels.length };
        const wanted = from - (from - to) * done;
        const width = done === 1 ? to : Math.ceil(wanted / multipleOf) * multipleOf;
        return ranked(channels, importance).slice(0, Math.max(0, channels.length - width));
      }),
    );
}

/** @param model edited in place. @param first the ranking of the model as it is. */
export async function removeInRounds(
  model: Model,
  choose: ChooseRound,
  first: Ranking,
  options: RoundOptions,
  context: StageContext,
): Promise<Removed> {
  let [channels, compensated, correspondence] = [0, 0, sameValues(model.graph)];
  for (let round = 1; round <= options.rounds; round++) {
    const groups = channelGroups(model);
    const { importance, moments } = round === 1 ? first : await rank(model, groups, options, context);
    const removed = choose(groups.groups, importance, round / options.rounds);
    if (removed.size === 0) continue;
    if (options.compensate) compensated = compensate(model.graph, groups.followed, removed, moments);
    correspondence = followed(correspondence, removeChannels(model, groups.followed, removed));
    channels += removed.size;
  }
  return { channels, compensated, correspondence };
}

/** A model that the trainer cannot differentiate is ranked by its weights. */
export async function rank(
  model: Model,
  groups: ChannelGroups,
  { importance: kind, compensate: compensates }: RankingOptions,
  context: StageContext,
): Promise<Ranking> {
  const moments: Ranking["moments"] =
    compensates || kind === "variance"
      ? await measureChannels(model, measuredOnce(layerInputs(groups.followed)), context)
      : new Map();
  try {
    return { importance: await channelImportance(model, groups, kind, context, moments), moments, notes: [] };
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || !undifferentiable.has(thrown.code)) throw thrown;
    const importance = await channelImportance(model, groups, "norm", context, moments);
    const note = `Channels are ranked by the norm of their weights: ${thrown.message}`;
    return { importance, moments, notes: [note] };
  }
}

const undifferentiable: ReadonlySet<string> = new Set([
  "GRADIENT_UNSUPPORTED",
  "GRADIENT_UNREACHABLE",
  "SHAPE_NOT_STATIC",
  "OPSET_UNSUPPORTED",
]);
