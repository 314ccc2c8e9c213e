/** Which of the images that are given calibrate, train and judge, and how their labels meet the classes of the model. */
import {
  type LabelMatch,
  type LabelsBy,
  type MatchedLabels,
  type ModelClasses,
  matchLabels,
  namedBy,
  orderSentence,
  requireLabels,
  type Task,
  withoutLabels,
} from "@cupel/predict";
import type { ImageSource } from "@cupel/vision";
import type { CompressFileOptions, CompressionFact } from "./compress-file.ts";
import { type KeptApart, keepApart } from "./intake/keep-apart.ts";

interface ChosenImages {
  readonly calibration: ImageSource;
  readonly evaluation: ImageSource;
  readonly labels: LabelsBy;
  /** What to know of labels that met the classes by their order; else null. */
  readonly order: string | null;
}

export function withoutImages(random: ImageSource): ChosenImages {
  return { calibration: random, evaluation: random, labels: null, order: null };
}

type WithImages = CompressFileOptions & { readonly images: ImageSource };

export function chooseImages(
  options: WithImages,
  classes: ModelClasses,
  seed: number,
  onFact: (fact: CompressionFact) => void,
): ChosenImages {
  const evaluation = options.evaluation && requireLabels(options.evaluation, classes);
  // A model without names takes those of the images that judge, so that the others meet the same classes.
  const named = evaluation?.by === "index" ? namedBy(classes, [evaluation.images]) : classes;
  const { images: calibration, by } = chooseCalibration(options, named, onFact);
  const labels = evaluation ? evaluation.by : by;
  const order = orderSentence(labels, classes);
  if (evaluation) return { calibration, evaluation: evaluation.images, labels, order };
  const { rest, heldOut } = partsOf(calibration, seed, onFact);
  return { calibration: rest, evaluation: heldOut, labels, order };
}

/** Labels that mean something to the task are needed where it judges only. */
export function chooseUnmatched(
  options: WithImages,
  task: Pick<Task, "name" | "labelsFrom">,
  classes: ModelClasses,
  seed: number,
  onFact: (fact: CompressionFact) => void,
): ChosenImages {
  const { images, evaluation } = options;
  const judged = judgesByLabels(options, task, classes, onFact);
  const parts = evaluation ? { rest: images, heldOut: evaluation } : partsOf(images, seed, onFact);
  return {
    calibration: withoutLabels(parts.rest),
    evaluation: judged === null ? withoutLabels(parts.heldOut) : parts.heldOut,
    labels: judged,
    order: orderSentence(judged, classes),
  };
}

/** How labels of the images that judge meet the classes; null where they have none, or unused ones. @throws LABELS_MISMATCH */
function judgesByLabels(
  { images, evaluation, labelsPath }: WithImages,
  { name, labelsFrom }: Pick<Task, "name" | "labelsFrom">,
  classes: ModelClasses,
  onFact: (fact: CompressionFact) => void,
): LabelsBy {
  if (labelsFrom === "either" && labelsPath) return null;
  if (labelsFrom === "images" || labelsFrom === "either") {
    if (evaluation) return requireLabels(evaluation, classes).by;
    const { by, problem } = matchLabels(images, classes);
    if (problem !== null) onFact({ kind: "labelsUnused", problem });
    return by;
  }
  for (const { labelled, location } of evaluation ? [images, evaluation] : [images]) {
    const problem = `${location} has labels of classes, and the model is one of ${name}`;
    if (labelled) onFact({ kind: "labelsUnused", problem });
  }
  return null;
}

/** A teacher needs no labels, so those that mean nothing to the model are left out, which is said. */
export function trainingImages(
  images: ImageSource,
  isOfClasses: boolean,
  classes: ModelClasses,
  onFact: (fact: CompressionFact) => void,
): ImageSource {
  if (!isOfClasses) return withoutLabels(images);
  const match = matchLabels(images, classes);
  if (match.problem === null) return match.images;
  onFact({ kind: "labelsUnused", problem: match.problem });
  return withoutLabels(images);
}

/** All of them twice where they are too few. */
function partsOf(
  images: ImageSource,
  seed: number,
  onFact: (fact: CompressionFact) => void,
): Pick<KeptApart, "rest" | "heldOut"> {
  const parts = keepApart(images, seed);
  const of = images.length;
  if (parts.areSame) onFact({ kind: "notKeptApart", of });
  else onFact({ kind: "keptApart", images: parts.heldOut.length, of });
  return parts;
}

/**
 * Class folders may be there for order only: any images of the right kind will calibrate. Not so where the model
 * knows some of their names: then they are labels, and one of them is wrong.
 */
function chooseCalibration(
  { images, needsLabels }: WithImages,
  classes: ModelClasses,
  onFact: (fact: CompressionFact) => void,
): MatchedLabels {
  const match: LabelMatch = matchLabels(images, classes);
  if (match.problem === null) return match;
  if (needsLabels || match.known > 0) return requireLabels(images, classes);
  onFact({ kind: "labelsUnused", problem: match.problem });
  return { images: withoutLabels(images), by: null };
}
