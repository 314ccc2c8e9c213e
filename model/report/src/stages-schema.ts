/** What the stages of a compression did, as data of a report. Shares are fractions in [0, 1]; times are milliseconds. */
import { Type } from "typebox";
import { count, list, number, object, orNull, said, share, text } from "./schema-words.ts";

const pruned = object(
  {
    channels: Type.Integer(said("Of all groups.")),
    kept: count,
    groups: list(
      object({
        name: Type.String(said("The first layer that makes the channels of the group.")),
        layers: list(text),
        channels: count,
        kept: count,
        sensitivity: list(
          object({
            kept: count,
            divergence: Type.Number(
              said("Power of the change of the outputs over that of the outputs, on selection images."),
            ),
          }),
          said(
            "What removing more and more of this group alone does, uncompensated; from the whole group down.",
          ),
        ),
      }),
      said("Channels that can only go together."),
    ),
    refusals: list(
      object({
        node: orNull(text, "Null for the outputs of the model."),
        reason: text,
        channels: Type.Integer(said("How many stay because of it.")),
      }),
      said("What keeps channels that are in no group."),
    ),
    divergence: Type.Number(said("As in `sensitivity`, of all that was removed, as it was kept.")),
    predicted: orNull(
      object({
        bytes: orNull(number, "Of the file, by the bits planned."),
        latency: orNull(number, "By the table of layer times, in the unit of the target."),
        drop: orNull(number, "Top-1 lost on held-out images, by the network that the search looked at."),
      }),
      "What a search for widths foretold of the network that it chose, null for what it did not look at; null without a target.",
    ),
    fineTuning: orNull(
      object({ epochs: count, before: number, after: number, isKept: Type.Boolean() }),
      "That divergence before and after training what was left, and whether the trained network was kept; null where nothing was trained.",
    ),
  },
  "What was removed of each group of channels, and what removing more would do.",
);

const roundedLayer = object({
  name: text,
  weight: Type.String(said("Its name in the original model.")),
  bits: count,
  method: Type.Enum(["gptq", "reconstruct"], said("Which won.")),
  nearest: Type.Number(
    said(
      "Squared error of the layer's output over its variance, on calibration images, with weights rounded to the nearest.",
    ),
  ),
  gptq: Type.Number(said("The same with weights rounded in closed form.")),
  block: orNull(
    object({ gptq: number, reconstruct: number }),
    "The same of the output of the layer's block, on images kept apart; null where it was not trained.",
  ),
});

const retrained = object(
  {
    epochs: list(
      object({
        epoch: count,
        loss: orNull(number, "Mean over the steps; null before the first."),
        trained: orNull(
          share,
          "Of the images trained with, those that were right; null before the first step.",
        ),
        accuracy: orNull(share, "Of the held-out images, those that are right; null without labels."),
        agreement: Type.Number(
          said("Of the held-out images, those that are classified as the original does."),
        ),
        divergence: Type.Number(said("Mean divergence from the original on the held-out images, in nats.")),
        heldOutLoss: Type.Number(said("What the epoch is chosen by.")),
      }),
      said("From 0, which is before the first step."),
    ),
    kept: Type.Integer(said("The epoch whose weights were written; 0 where none was better.")),
  },
  "What each epoch of training the network as it is rounded gave.",
);

const exitPoint = object({
  threshold: Type.Number(said("Of the largest probability at the exit, above which an image leaves.")),
  leaving: share,
  right: Type.Number(said("Share of the images that are answered right.")),
  loss: Type.Number(said("Against the network without an exit; negative where more is right.")),
  bound: Type.Number(said("What is lost at most on images like these, but for `risk`.")),
  averageMs: Type.Number(said("Of an image, from the share that leaves and the times of either way.")),
});

const exit = object(
  {
    after: Type.String(said("The value that the exit reads.")),
    work: Type.Number(said("Share of the network's multiply-accumulates before the exit.")),
    threshold: number,
    images: Type.Integer(
      said("Selection images, of those to train with; they are not among `data.evaluation`."),
    ),
    risk: share,
    times: object(
      { leavingMs: number, stayingMs: number, straightMs: number },
      "Medians of one image that leaves, of one that stays, and of the network without an exit.",
    ),
    curve: list(exitPoint, said("On selection images, from no image that leaves to all.")),
    chosen: exitPoint,
  },
  "Where images that the network is sure of leave early.",
);

const gatePoint = object({
  thresholds: list(
    number,
    said("Of each gate: how far its largest score is above the second where an image goes past."),
  ),
  past: list(share, said("Of the images that go past each gate's blocks.")),
  skipped: Type.Number(said("Share of the network's multiply-accumulates that is not computed.")),
  right: Type.Number(said("Share of the images that are answered right.")),
  loss: Type.Number(said("Against the network without gates; negative where more is right.")),
  bound: Type.Number(said("What is lost at most on images like these, but for `risk`.")),
  averageMs: Type.Number(
    said("Of an image, from the shares that go past and the times with each gate open."),
  ),
});

const gates = object(
  {
    spans: list(
      object({
        from: Type.String(said("The value that the gate and its blocks read.")),
        to: Type.String(said("What the blocks make, and `from` stands for.")),
        work: Type.Number(said("Share of the network's multiply-accumulates in the blocks.")),
      }),
    ),
    written: Type.Boolean(
      said("Whether the model has them: not where an image takes no less time on average."),
    ),
    images: Type.Integer(
      said("Selection images, of those to train with; they are not among `data.evaluation`."),
    ),
    risk: share,
    times: object(
      { straightMs: number, throughMs: number, pastMs: list(number) },
      "Medians of the network without gates, of one image that goes past none, and of one that goes past each alone.",
    ),
    curve: list(gatePoint, said("On selection images, from the highest thresholds to the lowest.")),
    chosen: gatePoint,
  },
  "Which residual blocks images go past that need them not.",
);

/** What stages did, each null or empty where it did not run; left out of reports of any two models. */
export const stages = object({
  pruned: Type.Union([pruned, Type.Null()]),
  rounding: list(roundedLayer, said("Empty where each weight became the nearest level.")),
  retrained: Type.Union([retrained, Type.Null()]),
  gates: Type.Optional(Type.Union([gates, Type.Null()])),
  exit: Type.Union([exit, Type.Null()]),
});
