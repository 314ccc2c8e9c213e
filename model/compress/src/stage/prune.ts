/** Removes the channels that matter least, and lets what is left take over what they carried. */
import { CupelError } from "@cupel/base";
import { cloneModel, followed, type Model, sameAs } from "@cupel/onnx";
import { sample } from "@cupel/vision";
import { Type } from "typebox";
import { outputsOf, relativeError, trialImages } from "../calibrate/rounding-error.ts";
import { compressErrors } from "../errors.ts";
import { type ChannelGroups, channelGroups } from "../prune/channel-groups.ts";
import { chooseChannels } from "../prune/choose-channels.ts";
import { compensate } from "../prune/compensate.ts";
import { type FineTuneOptions, fineTune } from "../prune/fine-tune.ts";
import { followChannels } from "../prune/follow-channels.ts";
import { channelImportance, type Importance, type ImportanceKind, importances } from "../prune/importance.ts";
import { layerInputs, measuredOnce } from "../prune/layer-inputs.ts";
import { type ChannelMoments, measureChannels } from "../prune/measure-channels.ts";
import type { PrunedGroup } from "../prune/pruned.ts";
import { removeChannels } from "../prune/remove-channels.ts";
import { sensitivityCurves } from "../prune/sensitivity-curve.ts";
import { oneOf, option, orNull, wholeFrom } from "../recipe/option.ts";
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
      training: given.training && sample(given.training, settings.images, given.seed),
    };
    const original = cloneModel(state.model);
    const groups = channelGroups(original);
    const needsMoments = settings.compensate || settings.importance === "variance";
    const inputs = layerInputs(groups.followed);
    const moments: ReadonlyMap<string, ChannelMoments> = needsMoments
      ? await measureChannels(original, measuredOnce(inputs), context)
      : new Map();
    const { importance, notes } = await ranking(original, groups, settings.importance, context, moments);
    const removed = chooseChannels(groups.groups, importance, settings);
    if (removed.size === 0) throw nothingToPrune(groups, settings);
    const trial = { ...context, images: sample(given.heldOut, trialImages, given.seed) };
    const reference = await outputsOf(() => original, trial);
    const curves = settings.sensitivity
      ? await sensitivityCurves(original, groups.groups, importance, reference, trial)
      : new Map();

    const { model } = state;
    const own = followChannels(model);
    const taught = settings.compensate ? compensate(model.graph, own, removed, moments) : 0;
    const cut = removeChannels(model, own, removed);
    const pruned = {
      ...state,
      model,
      correspondence: followed(state.correspondence, cut),
      notes: [...state.notes, ...notes, ...removalNotes(groups, removed, taught)],
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
        channels: importance.size,
        kept: importance.size - removed.size,
        divergence: tuned.divergence,
        refusals: groups.refusals,
        groups: groups.groups.map(({ name, layers, channels }): PrunedGroup => {
          const kept = channels.filter((channel) => !removed.has(channel)).length;
          return { name, layers, channels: channels.length, kept, sensitivity: curves.get(name) ?? [] };
        }),
      },
    };
  },
});

/** A model that the trainer cannot differentiate is ranked by its weights. */
async function ranking(
  model: Model,
  groups: ChannelGroups,
  kind: ImportanceKind,
  context: StageContext,
  moments: ReadonlyMap<string, ChannelMoments>,
): Promise<{ readonly importance: Importance; readonly notes: readonly string[] }> {
  try {
    return { importance: await channelImportance(model, groups, kind, context, moments), notes: [] };
  } catch (thrown) {
    if (!(thrown instanceof CupelError) || !undifferentiable.has(thrown.code)) throw thrown;
    const importance = await channelImportance(model, groups, "norm", context, moments);
    return { importance, notes: [`Channels are ranked by the norm of their weights: ${thrown.message}`] };
  }
}

const undifferentiable: ReadonlySet<string> = new Set([
  "GRADIENT_UNSUPPORTED",
  "GRADIENT_UNREACHABLE",
  "SHAPE_NOT_STATIC",
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

function removalNotes({ groups }: ChannelGroups, removed: ReadonlySet<number>, taught: number): string[] {
  const total = groups.reduce((sum, { channels }) => sum + channels.length, 0);
  const lost = groups
    .map(({ name, channels }) => {
      const left = channels.filter((channel) => !removed.has(channel)).length;
      return { name, from: channels.length, left };
    })
    .filter(({ from, left }) => left < from)
    .sort((a, b) => b.from - b.left - (a.from - a.left));
  const listed = lost.slice(0, namedGroups).map(({ name, from, left }) => `${name} ${from} to ${left}`);
  const others = lost.length > namedGroups ? `, and ${lost.length - namedGroups} more groups` : "";
  const taken = taught > 0 ? ` ${taught} layers took over what they carried.` : "";
  return [`Removed ${removed.size} of ${total} channels: ${listed.join(", ")}${others}.${taken}`];
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
