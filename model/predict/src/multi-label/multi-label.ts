/** The task of telling which classes an image has, none or several: an independent probability of each, `[N, C]`. */

import { own } from "@cupel/base";
import { endsInSoftmax } from "../classification/probabilities.ts";
import { areScores, scoreRows } from "../classification/score-rows.ts";
import { predictErrors } from "../errors.ts";
import { classCountOf } from "../labels/model-classes.ts";
import { endsInSigmoid } from "../task/ends-in-sigmoid.ts";
import { hasRowsOfImages } from "../task/rows-of-images.ts";
import type { Task } from "../task/task.ts";
import { compareSets, type SetDifference, setDifferences } from "./compare-sets.ts";
import { evaluateSets, type SetEvaluation, setFigures } from "./evaluate-sets.ts";
import { leastScore } from "./threshold.ts";

export interface ScoredLabel {
  readonly classIndex: number;
  /** Null when nobody names the classes. */
  readonly className: string | null;
  /** 0 to 1. */
  readonly score: number;
}

export interface SetPrediction {
  /** The classes that the image has: those that score 0.5 or more, the highest first. */
  readonly labels: readonly ScoredLabel[];
  /** 0 to 1, one for each class. A view of the outputs of a whole run, where they are probabilities already. */
  readonly scores: Float32Array;
}

export const multiLabel: Task<SetPrediction, SetEvaluation, SetDifference> = {
  name: "multi-label",
  recognises: ({ outputs: [first], model }) =>
    first !== undefined &&
    model !== null &&
    areScores(first) &&
    endsInSigmoid(model) &&
    hasRowsOfImages(first.dims, model),
  recognisedBy: "its first output is one row of class scores an image, each through a sigmoid of its own",
  labelsFrom: "either",
  classCount: classCountOf,
  reader({ outputs: [output], model, classes }) {
    if (!output) throw predictErrors.error("OUTPUT_UNSUPPORTED", "The model has no output.");
    const { name } = output;
    const already = model !== null && (endsInSigmoid(model) || endsInSoftmax(model));
    const how = already ? "as they are" : "through a sigmoid";
    return {
      fetches: [name],
      form: `classes of which an image may have several: those whose scores, ${how}, are ${leastScore} or more`,
      read: (tensors, { dims: [count] }) =>
        scoreRows(name, own(tensors, name)!, count).map((row) => {
          const scores = already ? row : row.map((score) => 1 / (1 + Math.exp(-score)));
          return { labels: labelsOf(scores, classes), scores };
        }),
    };
  },
  evaluation: (images, { outputs, classes, labels, labelColumn }) =>
    evaluateSets(
      images,
      { count: classCountOf(outputs[0]?.dims ?? []), names: classes },
      { path: labels ?? null, column: labelColumn ?? null },
    ),
  compare: compareSets,
  figures: setFigures,
  differences: setDifferences,
};

function labelsOf(scores: Float32Array, classes: readonly string[] | null): ScoredLabel[] {
  return Array.from(scores, (score, classIndex) => ({
    classIndex,
    className: classes?.[classIndex] ?? null,
    score,
  }))
    .filter(({ score }) => score >= leastScore)
    .sort((a, b) => b.score - a.score || a.classIndex - b.classIndex);
}
