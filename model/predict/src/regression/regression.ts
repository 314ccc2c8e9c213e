/** The task of measuring something in an image: the values of the first output, against numbers in a table. */
import { compareFeatures, featureDifferences } from "../features/compare-features.ts";
import { type FeaturesPrediction, features } from "../features/features.ts";
import type { Task } from "../task/task.ts";
import { compareErrors, type ErrorDifference, errorDifferences } from "./compare-errors.ts";
import { evaluateNumbers, numberFigures, type RegressionEvaluation } from "./evaluate-numbers.ts";

/** Outputs do not tell that they are measured against something: the caller does, or the metadata. */
export const regression: Task<FeaturesPrediction, RegressionEvaluation, ErrorDifference> = {
  name: "regression",
  recognises: () => false,
  recognisedBy: "it was said",
  labelsFrom: "files",
  classCount: () => null,
  reader: features.reader,
  evaluation: (images, facts) =>
    evaluateNumbers(features.evaluation(images, facts), images, {
      path: facts.labels ?? null,
      column: facts.labelColumn ?? null,
    }),
  compare: (first, second) => ({
    values: compareFeatures(first, second),
    ...compareErrors(first, second),
  }),
  figures: numberFigures,
  differences: (difference) => [...featureDifferences(difference.values), ...errorDifferences(difference)],
};
