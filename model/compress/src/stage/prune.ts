/** Removes the channels that matter least, and lets what is left take over what they carried. */
import { CupelError } from "@cupel/base";
import { type Correspondence, cloneModel, followed, type Model, sameAs, sameValues } from "@cupel/onnx";
import { sample } from "@cupel/vision";
import { Type } from "typebox";
import { outputsOf, relativeError, trialImages } from "../calibrate/rounding-error.ts";
import { compressErrors } from "../errors.ts";
import { type ChannelGroup, type ChannelGroups, channelGroups } from "../prune/channel-groups.ts";
import { chooseChannels, leastKept } from "../prune/choose-channels.ts";
import { compensate } from "../prune/compensate.ts";
import { type FineTuneOptions, fineTune } from "../prune/fine-tune.ts";
import { channelImportance, type Importance, importances } from "../prune/importance.ts";
import { layerInputs, measuredOnce } from "../prune/layer-inputs.ts";
import { type ChannelMoments, measureChannels } from "../prune/measure-channels.ts";
import type { PrunedGroup } from "../prune/pruned.ts";
import { removeChannels } from "../prune/remove-channels.ts";
import { sensitivityCurves } from "../prune/sensitivity-curve.ts";
import { oneOf, option, orNull, type ValuesOf, wholeFrom } from "../recipe/option.ts";
import { defineStage, type Stage, type StageContext, type State, trainingImagesOf } from "./stage.ts";

const defaultFineTuning: FineTuneOptions = { epochs: 2, learningRate: 0.01, batch: 64 };

const positive = (expects: string) => Type.Number({ exclusiveMinimum: 0, expects });

const options = {
  keep: option(Type.Number({ exclusiveMinimum: 0, maximum: 1, expects: "a number above 0, at most 1" }), {
    default: 0.85,
    description:
      "share of the channels that can be removed that stays, over the whole network; every group keeps half of that share at least",
  }),
  importance: option(oneOf(...importances), {
    default: "taylor",
    description:
      "what channels are ranked by, within their layer: `taylor`, gradient times weight; `norm` of their weights; `variance` of what layers read. Where the model cannot be differentiated, `norm` instead of `taylor`, which a note says",
  }),
  multipleOf: option(wholeFrom(1), {
    default: 8,
    description: "groups lose channels until a multiple of this is left, which kernels like",
  }),
  rounds: option(wholeFrom(1), {
    default: 4,
    description: "removes a part at a time, and ranks and compensates anew for each",
  }),
  compensate: option(oneOf(true, false), {
    default: true,
    description:
      "the layers behind take over what removed channels carried: least squares on the images, no training",
  }),
  images: option(wholeFrom(1), { default: 256, description: "at most this many are looked at" }),
  sensitivity: option(oneOf(true, false), {
    default: true,
    description: "measures what removing more of each group would do, for the report",
  }),
  fineTune: option(
    orNull(
      Type.Object(
        {
          epochs: Type.Optional(wholeFrom(1)),
          learningRate: Type.Optional(positive("a number above 0")),
          batch: Type.Optional(wholeFrom(1)),
        },
        { additionalProperties: false, expects: 'an object with "epochs", "learningRate" and "batch"' },
      ),
    ),
    {
      default: null,
      description:
        "`epochs` 2, `learningRate` 0.01, `batch` 64: trains what is left with the original as its teacher, on the images to train with",
    },
  ),
};

export const pruneStage: Stage<"prune", typeof options> = defineStage({
  name: "prune",
  options,
  requires: ["clean"],
  async run(state, settings, given) {
    const tuning = settings.fineTune && { ...defaultFineTuning, ...settings.fineTune };
    const training = tuning && trainingImagesOf(given, "prune");
    const context = {
      ...given,
      images: sample(given.images, settings.images, given.seed),
    };
    const original = cloneModel(state.model);
    const groups = channelGroups(original);
    // Whether a step of some group fits does not depend on what matters.
    const canRemove = chooseChannels(groups.groups, new Map(), settings).size > 0;
    if (!canRemove) throw nothingToPrune(groups, settings);
    const trial = { ...context, images: sample(given.heldOut, trialImages, given.seed) };
    const reference = await outputsOf(() => original, trial);
    const first = await ranking(original, groups, settings, context);
    const curves = settings.sensitivity
      ? await sensitivityCurves(original, groups.groups, first.importance, reference, trial)
      : new Map();
    const { model } = state;
    const rounds = await removeInRounds(model, groups, first, settings, context);
    const kept = new Map(channelGroups(model).groups.map(({ name, channels }) => [name, channels.length]));
    const done = groups.groups.map(({ name, layers, channels }): PrunedGroup => {
      const sensitivity = curves.get(name) ?? [];
      return {
        name,
        layers,
        channels: channels.length,
        kept: kept.get(name) ?? channels.length,
        sensitivity,
      };
    });
    const pruned = {
      ...state,
      model,
      correspondence: followed(state.correspondence, rounds.correspondence),
      notes: [...state.notes, ...first.notes, removalNote(done, rounds.compensated)],
    };
    const divergence = relativeError(reference, await outputsOf(() => model, trial));
    const tuned =
      tuning && training
        ? await tunedState(pruned, divergence, async () => {
            const trained = await fineTune(model, original, training, tuning, given);
            return { trained, divergence: relativeError(reference, await outputsOf(() => trained, trial)) };
          })
        : { state: pruned, divergence };
    return {
      ...tuned.state,
      pruned: {
        channels: first.importance.size,
        kept: first.importance.size - rounds.removed,
        divergence: tuned.divergence,
        refusals: groups.refusals,
        groups: done,
      },
    };
  },
});

type Settings = ValuesOf<typeof options>;

interface Ranking {
  readonly importance: Importance;
  readonly moments: ReadonlyMap<string, ChannelMoments>;
  readonly notes: readonly string[];
}

interface Rounds {
  readonly removed: number;
  /** Layers that took something over, in the last round that removed anything. */
  readonly compensated: number;
  readonly correspondence: Correspondence;
}

/**
 * A part at a time, each ranked and compensated anew: what matters changes with what is gone. `model` is edited in place.
 * @param first the ranking of the model as it is.
 */
async function removeInRounds(
  model: Model,
  original: ChannelGroups,
  first: Ranking,
  settings: Settings,
  context: StageContext,
): Promise<Rounds> {
  const total = first.importance.size;
  const widths = new Map(original.groups.map(({ name, channels }) => [name, channels.length]));
  const least = ({ name, channels }: ChannelGroup) =>
    leastKept(widths.get(name) ?? channels.length, settings.keep);
  let [left, compensated, correspondence] = [total, 0, sameValues(model.graph)];
  for (let round = 1; round <= settings.rounds; round++) {
    const groups = channelGroups(model);
    const { importance, moments } = round === 1 ? first : await ranking(model, groups, settings, context);
    const keep = Math.min(1, (total * settings.keep ** (round / settings.rounds)) / left);
    const removed = chooseChannels(groups.groups, importance, {
      keep,
      multipleOf: settings.multipleOf,
      least,
    });
    if (removed.size === 0) continue;
    if (settings.compensate) compensated = compensate(model.graph, groups.followed, removed, moments);
    correspondence = followed(correspondence, removeChannels(model, groups.followed, removed));
    left -= removed.size;
  }
  return { removed: total - left, compensated, correspondence };
}

/** A model that the trainer cannot differentiate is ranked by its weights. */
async function ranking(
  model: Model,
  groups: ChannelGroups,
  { importance: kind, compensate: compensates }: Settings,
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

/** The trained model, where it is nearer to the original than before. */
async function tunedState(
  pruned: State,
  before: number,
  tune: () => Promise<{ readonly trained: Model; readonly divergence: number }>,
): Promise<{ readonly state: State; readonly divergence: number }> {
  const { trained, divergence } = await tune();
  if (!(divergence < before)) {
    const note =
      "Fine-tuning moved the outputs further from the original's on the selection images, and was left out.";
    return { state: { ...pruned, notes: [...pruned.notes, note] }, divergence: before };
  }
  const same = new Map(Array.from(trained.graph.values(), ({ name }) => [name, sameAs(name)]));
  const note = `Fine-tuning took the outputs' difference from the original's from ${percent(before)} to ${percent(divergence)} of their power.`;
  return {
    state: {
      ...pruned,
      model: trained,
      correspondence: followed(pruned.correspondence, same),
      notes: [...pruned.notes, note],
    },
    divergence,
  };
}

const namedGroups = 6;

function removalNote(groups: readonly PrunedGroup[], compensated: number): string {
  const sum = (count: (group: PrunedGroup) => number) => groups.reduce((all, group) => all + count(group), 0);
  const lossOf = ({ channels, kept }: PrunedGroup) => channels - kept;
  const lost = groups.filter((group) => lossOf(group) > 0).sort((a, b) => lossOf(b) - lossOf(a));
  const listed = lost
    .slice(0, namedGroups)
    .map(({ name, channels, kept }) => `${name} ${channels} to ${kept}`);
  const others = lost.length > namedGroups ? `, and ${counted(lost.length - namedGroups, "more group")}` : "";
  const taken = compensated > 0 ? ` ${counted(compensated, "layer")} took over what they carried.` : "";
  return `Removed ${sum(lossOf)} of ${sum(({ channels }) => channels)} channels: ${listed.join(", ")}${others}.${taken}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`;
}

function nothingToPrune(
  { groups, refusals }: ChannelGroups,
  { keep, multipleOf }: { readonly keep: number; readonly multipleOf: number },
) {
  const reasons = refusals.slice(0, 3).map(({ node, reason }) => `${node}: ${reason}`);
  const widest = Math.max(0, ...groups.map(({ channels }) => channels.length));
  const why =
    groups.length === 0
      ? `No channel of the model can be removed${reasons.length > 0 ? ` (${reasons.join("; ")})` : ""}. Leave out the stage "prune".`
      : `To keep ${keep} of the channels in multiples of ${multipleOf}, none can go: the widest group has ${widest}. Keep fewer, or set "multipleOf" lower.`;
  return compressErrors.error("NOTHING_TO_PRUNE", why, {
    details: { groups: groups.length, keep, multipleOf },
  });
}
