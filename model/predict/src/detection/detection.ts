/** The task of finding things in an image: boxes, each with a class and a score. */
import { own } from "@cupel/base";
import { type Preprocessing, placementOf, type Size, visionErrors } from "@cupel/vision";
import { predictErrors } from "../errors.ts";
import type { Task, TaskFigure } from "../task/task.ts";
import {
  compareDetections,
  type DetectionDifference,
  type PrecisionDifference,
} from "./compare-detections.ts";
import { recognisedHead } from "./detector-heads.ts";
import { type DetectionEvaluation, evaluateBoxes } from "./evaluate-boxes.ts";
import { type DetectionPrediction, predictionOf } from "./prediction.ts";
import { byScore, type Candidate, suppress, suppressionDefaults } from "./suppress.ts";

export const detection: Task<DetectionPrediction, DetectionEvaluation, DetectionDifference> = {
  name: "detection",
  recognises: (model) => recognisedHead(model) !== null,
  labelsFrom: "files",
  recognisedBy: "its outputs have the shape of boxes with scores",
  // The size of an output does not tell it alone: the head does, when the reader is made.
  classCount: () => null,
  reader({ outputs, model, classes, preprocessing }) {
    const head = recognisedHead({ outputs, model }, classes, sizeOf(preprocessing));
    if (head === null) {
      const shapes = outputs.map(({ name, type, dims }) => `"${name}" ${type} [${dims.join(", ")}]`);
      throw predictErrors.error(
        "OUTPUT_UNSUPPORTED",
        `The model's outputs are not boxes of a form that is known: ${shapes.join(", ") || "it has none"}. ` +
          "Take it as a model of features, or name its classes, which tell the form where the shape leaves a choice.",
      );
    }
    if (classes !== null && head.classes !== null && head.classes !== classes.length) {
      throw visionErrors.error(
        "LABELS_MISMATCH",
        `There are ${classes.length} class names, but the outputs have scores of ${head.classes} classes (${head.sentence}). Give one name for each class, in their order.`,
        { details: { names: classes.length, classes: head.classes } },
      );
    }
    return {
      fetches: head.fetches,
      imagesPerRun: head.imagesPerRun,
      listed: head.overlaps ? undefined : true,
      form: head.sentence,
      read(tensors, { dims, sizes }) {
        const outputsRead = head.fetches.map((name) => own(tensors, name)!);
        const [height, width] = preprocessing.layout === "NCHW" ? dims.slice(2) : dims.slice(1);
        const tensor = { width: width!, height: height! };
        return sizes.map((size, image) => {
          const candidates = head.read(outputsRead, image, tensor);
          assertShares(candidates, head.sentence);
          const kept = head.overlaps
            ? suppress(candidates)
            : byScore(candidates).slice(0, suppressionDefaults.most);
          return predictionOf(kept, placementOf(preprocessing, size), classes);
        });
      },
    };
  },
  evaluation(images, { outputs, classes, labels, preprocessing }) {
    const head = recognisedHead({ outputs, model: null }, classes, sizeOf(preprocessing));
    const count = head?.classes ?? null;
    return evaluateBoxes(images, { names: classes, count }, labels ?? null);
  },
  compare: compareDetections,
  figures: ({ precision, labels }) => {
    if (precision === null || labels === null) return [];
    const of = `${labels.reduce((sum, each) => sum + each.length, 0)} boxes in ${labels.length} images`;
    const figure = (name: string, value: number): TaskFigure => ({
      name,
      unit: "share",
      value,
      interval: null,
      of,
    });
    return [figure("mAP 0.5:0.95", precision.ap), figure("mAP 0.5", precision.ap50)];
  },
  differences: ({ agreement, difference, difference50 }) => {
    const { f1, low, high, first, second, images } = agreement;
    const of = `${first} and ${second} boxes in ${images} images`;
    return [
      { name: "boxes that agree (F1)", unit: "share", value: f1, interval: { low, high }, of },
      ...figureOf("difference of mAP 0.5:0.95", difference),
      ...figureOf("difference of mAP 0.5", difference50),
    ];
  },
};

const sizeOf = ({ width, height }: Preprocessing): Size => ({ width, height });

function figureOf(name: string, difference: PrecisionDifference | null): TaskFigure[] {
  if (difference === null) return [];
  const { value, low, high, images } = difference;
  return [{ name, unit: "share", value, interval: { low, high }, of: `${images} images` }];
}

/** What is taken for a score MUST be one: other numbers mean that the form is another one. */
function assertShares(candidates: readonly Candidate[], form: string): void {
  const beyond = candidates.find(({ score }) => score > 1.001);
  if (beyond === undefined) return;
  throw predictErrors.error(
    "OUTPUT_UNSUPPORTED",
    `The model's outputs look like ${form}, but what should be a score in 0..1 is ${beyond.score}. Take it as a model of features.`,
    { details: { score: beyond.score } },
  );
}
