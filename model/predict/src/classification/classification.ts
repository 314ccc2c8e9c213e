/** The task of telling which of several classes an image is: one row of scores an image. */
import { own } from "@cupel/base";
import { predictErrors } from "../errors.ts";
import { classCountOf } from "../labels/model-classes.ts";
import { agreementFigure } from "../task/agreement-figure.ts";
import { hasRowsOfImages } from "../task/rows-of-images.ts";
import type { Task, TaskFigure } from "../task/task.ts";
import { compareEvaluations, type EvaluationDifference } from "./compare-evaluations.ts";
import { type Evaluation, evaluateClasses } from "./evaluation.ts";
import { areProbabilities, endsInSoftmax, softmaxAt } from "./probabilities.ts";
import { highest } from "./rank.ts";
import { areScores, scoreRows } from "./score-rows.ts";

export interface ClassPrediction {
  /** The class with the highest score, the first of equals. */
  readonly classIndex: number;
  /** Null when nobody names the classes. */
  readonly className: string | null;
  /** Of that class, 0 to 1: the softmax of the scores, unless they are probabilities already. */
  readonly probability: number;
  /** Whether the scores are probabilities already. */
  readonly areProbabilities: boolean;
  /** What the model gave, one for each class. A view of the outputs of a whole run: copy it to keep it alone. */
  readonly scores: Float32Array;
}

export const classification: Task<ClassPrediction, Evaluation, EvaluationDifference> = {
  name: "classification",
  recognises: ({ outputs: [first], model }) =>
    first !== undefined && areScores(first) && hasRowsOfImages(first.dims, model),
  recognisedBy: "its first output is one row of class scores an image",
  labelsFrom: "images",
  classCount: classCountOf,
  reader({ outputs: [output], model, classes }) {
    if (!output) throw predictErrors.error("OUTPUT_UNSUPPORTED", "The model has no output.");
    const { name } = output;
    const isProbability = model !== null && endsInSoftmax(model);
    return {
      fetches: [name],
      read(tensors, { dims: [count] }) {
        return scoreRows(name, own(tensors, name)!, count).map((scores) => {
          const classIndex = highest(scores);
          const already = isProbability || areProbabilities(scores, scores.length);
          return {
            classIndex,
            className: classes?.[classIndex] ?? null,
            probability: already ? scores[classIndex]! : softmaxAt(scores, classIndex),
            areProbabilities: already,
            scores,
          };
        });
      },
    };
  },
  evaluation: (images, { outputs, classes }) =>
    evaluateClasses(images, { count: classCountOf(outputs[0]?.dims ?? []), names: classes }),
  compare: compareEvaluations,
  figures: accuracyFigures,
  differences: ({ difference, images, agreement }) => [
    agreementFigure("same prediction", agreement),
    ...(difference === null
      ? []
      : [
          {
            name: "difference of top-1",
            unit: "share" as const,
            value: difference.value,
            interval: { low: difference.low, high: difference.high },
            of: `${images} images`,
          },
        ]),
  ],
};

function accuracyFigures({ top1, top5, labels }: Evaluation): TaskFigure[] {
  const of = `${labels.filter((label) => label !== null).length} images`;
  const figure = (name: string, value: number | null): TaskFigure[] =>
    value === null ? [] : [{ name, unit: "share", value, interval: null, of }];
  return [...figure("top-1", top1), ...figure("top-5", top5)];
}
