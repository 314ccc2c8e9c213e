/** Removes the channels that matter least, and lets what is left take over what they carried. */
import { cloneModel, followed, type Model, sameAs } from "@cupel/onnx";
import { sample } from "@cupel/vision";
import { Type } from "typebox";
import { outputsOf, relativeError, trialImages } from "../calibrate/rounding-error.ts";
import { compressErrors } from "../errors.ts";
import { type FineTuneOptions, fineTune } from "../fine-tune.ts";
import { type ChannelGroups, channelGroups } from "../prune/channel-groups.ts";
import { chooseChannels } from "../prune/choose-channels.ts";
import { importances } from "../prune/importance.ts";
import type { FineTuning, PrunedGroup } from "../prune/pruned.ts";
import { type ChooseRound, rank, removeInRounds, toShare, toWidths } from "../prune/remove-in-rounds.ts";
import { type FoundWidths, searchWidths } from "../prune/search-widths.ts";
import { sensitivityCurves } from "../prune/sensitivity-curve.ts";
import { oneOf, option, orNull, wholeFrom } from "../recipe/option.ts";
import { prunesByTarget } from "../recipe/recipe.ts";
import { defineStage, made, type Stage, type State, trainingImagesOf } from "./stage.ts";

const defaultFineTuning: FineTuneOptions = { epochs: 2, learningRate: 0.01, batch: 64 };

/** Where neither a share nor a target is given. */
const usualKeep = 0.85;
/** A search leaves a quarter of a group at least: half of this. */
const leastKeep = 0.5;

const positive = (expects: string) => Type.Number({ exclusiveMinimum: 0, expects });

const options = {
  keep: option(
    Type.Union([Type.Literal("auto"), Type.Number({ exclusiveMinimum: 0, maximum: 1 })], {
      expects: 'a number above 0, at most 1, or "auto"',
    }),
    {
      default: "auto",
      description:
        "share of the channels that can be removed that stays, over the whole network; every group keeps half of that share at least. " +
        "`auto` removes what the target needs, or where there is none keeps 0.85",
    },
  ),
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
    description:
      "measures what removing more of each group would do, for the report; a target that channels go for needs it in any case",
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
    const searches = prunesByTarget(given.recipe);
    const keep = settings.keep === "auto" ? usualKeep : settings.keep;
    // Whether a step of some group fits does not depend on what matters.
    const canRemove =
      chooseChannels(groups.groups, new Map(), { ...settings, keep: searches ? leastKeep : keep }).size > 0;
    if (!canRemove) throw nothingToPrune(groups, { ...settings, keep });
    const trial = { ...context, images: sample(given.heldOut, trialImages, given.seed) };
    const reference = await outputsOf(() => original, trial);
    const first = await rank(original, groups, settings, context);
    const curves =
      settings.sensitivity || searches
        ? await sensitivityCurves(original, groups.groups, first.importance, reference, trial)
        : new Map();
    const prune = async (choose: ChooseRound): Promise<State> => {
      const model = cloneModel(original);
      const removed = await removeInRounds(model, choose, first, settings, context);
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
      const channels = first.importance.size;
      return {
        ...state,
        model,
        correspondence: followed(state.correspondence, removed.correspondence),
        notes: [...state.notes, ...first.notes, removalNote(done, removed.compensated)],
        pruned: {
          channels,
          kept: channels - removed.channels,
          divergence: relativeError(reference, await outputsOf(() => model, trial)),
          refusals: groups.refusals,
          groups: done,
          predicted: null,
          fineTuning: null,
        },
      };
    };
    const { multipleOf } = settings;
    const found = searches
      ? await searchWidths(
          {
            model: original,
            groups,
            curves,
            multipleOf,
            prune: (kept) => prune(toWidths(groups.groups, kept, multipleOf)),
          },
          given,
        )
      : null;
    const pruned = found ? withPrediction(found) : await prune(toShare(groups.groups, keep, multipleOf));
    if (!tuning || !training) return pruned;
    return await tunedState(pruned, tuning.epochs, async () => {
      const trained = await fineTune(pruned.model, original, training, tuning, given);
      return { trained, divergence: relativeError(reference, await outputsOf(() => trained, trial)) };
    });
  },
});

function withPrediction({ state, predicted, reference }: FoundWidths): State {
  return { ...state, reference, pruned: { ...made(state.pruned, "prune"), predicted } };
}

/** The trained model, where it is nearer to the original than before. */
async function tunedState(
  state: State,
  epochs: number,
  tune: () => Promise<{ readonly trained: Model; readonly divergence: number }>,
): Promise<State> {
  const pruned = made(state.pruned, "prune");
  const before = pruned.divergence;
  const { trained, divergence } = await tune();
  const isKept = divergence < before;
  const fineTuning: FineTuning = { epochs, before, after: divergence, isKept };
  if (!isKept) {
    const note =
      "Fine-tuning moved the outputs further from the original's on the selection images, and was left out.";
    return { ...state, notes: [...state.notes, note], pruned: { ...pruned, fineTuning } };
  }
  const same = new Map(Array.from(trained.graph.values(), ({ name }) => [name, sameAs(name)]));
  const note = `Fine-tuning took the outputs' difference from the original's from ${percent(before)} to ${percent(divergence)} of their power.`;
  return {
    ...state,
    model: trained,
    correspondence: followed(state.correspondence, same),
    notes: [...state.notes, note],
    pruned: { ...pruned, divergence, fineTuning },
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
