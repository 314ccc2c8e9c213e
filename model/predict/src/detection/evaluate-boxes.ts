/** The boxes that a detector sees in a source of images, measured against those that people drew. */
import { classFinder, type ImageSource, type UnreadableImage, visionErrors } from "@cupel/vision";
import { listed } from "../labels/label-problems.ts";
import type { LabelsBy } from "../labels/match-labels.ts";
import type { EvaluatedImages, TaskEvaluation } from "../task/task.ts";
import {
  type LabelledBox,
  type MeanAveragePrecision,
  matchImages,
  meanAveragePrecision,
} from "./average-precision.ts";
import { boxLabels } from "./box-labels.ts";
import type { DetectionPrediction } from "./prediction.ts";

/** For the images that could be read, in the order of the source. */
export interface DetectionEvaluation extends EvaluatedImages {
  readonly predictions: readonly DetectionPrediction[];
  /** In the model's classes; null where no image has labels. An image without labels among others holds nothing. */
  readonly labels: readonly (readonly LabelledBox[])[] | null;
  /** How the classes of the labels met those of the model. */
  readonly labelsBy: LabelsBy;
  /** Images without a label among others that have them. */
  readonly withoutLabels: number;
  /** Null where there are no labels, or no box in them. */
  readonly precision: MeanAveragePrecision | null;
}

export interface DetectorClasses {
  readonly names: readonly string[] | null;
  /** Null where the outputs do not say. */
  readonly count: number | null;
}

/** @param path of labels that lie apart from the images; null for those beside them. */
export function evaluateBoxes(
  images: ImageSource,
  { names, count }: DetectorClasses,
  path: string | null,
): TaskEvaluation<DetectionPrediction, DetectionEvaluation> {
  const source = boxLabels(images, path);
  const indices: number[] = [];
  const predictions: DetectionPrediction[] = [];
  const labels: (readonly LabelledBox[] | null)[] = [];
  let labelsBy: LabelsBy = null;
  let meet: ((label: number) => number) | null = null;
  return {
    async add(index, prediction) {
      indices.push(index);
      predictions.push(prediction);
      const own = await source.of(index, prediction.size);
      if (own === null) {
        labels.push(null);
        return;
      }
      if (meet === null) {
        const given = await source.names();
        labelsBy = given !== null && names !== null ? "name" : "index";
        meet = meeting(images.location, given, { names, count });
      }
      const classOf = meet;
      labels.push(own.map((box) => ({ ...box, classIndex: classOf(box.classIndex) })));
    },
    result(unreadable: readonly UnreadableImage[]) {
      const common = { indices, unreadable, predictions, labelsBy };
      const withoutLabels = labels.filter((each) => each === null).length;
      if (withoutLabels === labels.length) {
        return { ...common, labels: null, withoutLabels, precision: null };
      }
      const known = labels.map((each) => each ?? []);
      const measured = known.map((each, i) => ({ labels: each, boxes: predictions[i]!.boxes }));
      const precision = meanAveragePrecision(matchImages(measured));
      return { ...common, labels: known, withoutLabels, precision };
    },
  };
}

/** From a class of the labels to one of the model. It @throws LABELS_MISMATCH for one that is none. */
function meeting(
  location: string,
  given: readonly string[] | null,
  { names, count }: DetectorClasses,
): (label: number) => number {
  const find = given !== null && names !== null ? classFinder(names) : null;
  return (label) => {
    if (find === null) {
      const classes = names?.length ?? count;
      if (classes === null || label < classes) return label;
      throw mismatch(`${location} has boxes of class ${label}, but the model tells ${classes} classes apart`);
    }
    const name = given![label];
    const found = name === undefined ? [] : find(name);
    if (found.length === 1) return found[0]!;
    const what = name === undefined ? `class ${label}, which its list does not name` : JSON.stringify(name);
    const problem =
      found.length === 0
        ? "which is no class of the model"
        : "which is the name of several classes of the model";
    throw mismatch(`${location} has boxes of ${what}, ${problem} (${listed(names!, 6)})`);
  };
}

function mismatch(problem: string) {
  return visionErrors.error(
    "LABELS_MISMATCH",
    `${problem}. Choose other labels or class names, or check that images and model belong together.`,
  );
}
