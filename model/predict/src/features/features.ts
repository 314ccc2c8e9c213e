/**
 * Outputs as they are: embeddings, regressions, depth, and whatever no other row of the table knows. Nothing is
 * decided from the values, so that nothing is refused for what it means; two models are compared value by value.
 */
import { own } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import type { TensorData } from "@cupel/runtime";
import type { ImageSource } from "@cupel/vision";
import { predictErrors } from "../errors.ts";
import { imageDimsOf } from "../input/image-input.ts";
import type { ModelFacts, OutputReader, Task, TaskEvaluation, TaskModel } from "../task/task.ts";
import { numbersOf } from "../written/output-numbers.ts";
import { compareFeatures, type FeaturesDifference, featureDifferences } from "./compare-features.ts";
import { createKeptValues, type KeptValues } from "./kept-values.ts";

/** One output of one image. */
export interface OutputValues {
  readonly output: string;
  /** Without the dimension of the images. */
  readonly dims: readonly number[];
  /** Row-major. Integers and half precision are widened. */
  readonly values: Float32Array;
}

/** Every output, in the model's order. */
export type FeaturesPrediction = readonly OutputValues[];

export interface FeaturesEvaluation {
  readonly indices: readonly number[];
  readonly unreadable: TaskUnreadable;
  /** For each of `indices`; null for those that came after 256 MiB were kept. */
  readonly predictions: KeptValues<FeaturesPrediction>["all"];
}
type TaskUnreadable = Parameters<TaskEvaluation<unknown, FeaturesEvaluation>["result"]>[0];

export const features: Task<FeaturesPrediction, FeaturesEvaluation, FeaturesDifference> = {
  name: "features",
  recognises: ({ outputs }) => outputs.length > 0,
  recognisedBy: "its outputs are those of no other task",
  labelsFrom: null,
  classCount: () => null,
  reader: featuresReader,
  evaluation: keepFeatures,
  compare: compareFeatures,
  figures: () => [],
  differences: featureDifferences,
};

function featuresReader({ outputs, model }: TaskModel): OutputReader<FeaturesPrediction> {
  const fetches = outputs.map(({ name }) => name);
  if (fetches.length === 0) throw predictErrors.error("OUTPUT_UNSUPPORTED", "The model has no output.");
  const batch = batchOf(model);
  const isOfImages = outputs.every(({ dims }) => batch !== null && dims[0] === batch);
  return {
    fetches,
    imagesPerRun: isOfImages ? undefined : 1,
    read(tensors, { dims: [count] }) {
      const split = fetches.map((output) => imagesOf(output, own(tensors, output)!, count, batch));
      return Array.from({ length: count }, (_, i) => split.map((images) => images[i]!));
    },
  };
}

/** The first size of the input: a number, or the name of what is open; null where it has none. */
function batchOf(model: Model | null): number | string | null {
  return imageDimsOf(model)[0] || null;
}

/** An output that has no dimension of the images is that of the one image of its run. @throws OUTPUT_UNSUPPORTED */
function imagesOf(
  output: string,
  tensor: TensorData,
  count: number,
  batch: number | string | null,
): OutputValues[] {
  const values = Float32Array.from(numbersOf(tensor));
  const { dims } = tensor;
  if (dims[0] === count) {
    const size = values.length / count;
    return Array.from({ length: count }, (_, i) => ({
      output,
      dims: dims.slice(1),
      values: values.subarray(i * size, (i + 1) * size),
    }));
  }
  if (count === 1 && (typeof batch !== "number" || batch === 1)) return [{ output, dims, values }];
  throw predictErrors.error(
    "OUTPUT_UNSUPPORTED",
    `The output "${output}" does not say which of its values belong to which of the ${batch} images that the model takes a run: its shape is [${dims}]. ` +
      "Export the model for one image a run, or for any number.",
    { details: { output, dims } },
  );
}

function keepFeatures(
  _images: ImageSource,
  _facts: ModelFacts,
): TaskEvaluation<FeaturesPrediction, FeaturesEvaluation> {
  const indices: number[] = [];
  const kept = createKeptValues<FeaturesPrediction>((prediction) =>
    prediction.reduce((sum, { values }) => sum + values.byteLength, 0),
  );
  return {
    add(index, prediction) {
      indices.push(index);
      // A view would hold the outputs of a whole run.
      kept.add(() => prediction.map((each) => ({ ...each, values: each.values.slice() })), prediction);
    },
    result: (unreadable) => ({ indices, unreadable, predictions: kept.all }),
  };
}
