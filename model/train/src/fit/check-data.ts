/** Whether images and network belong together, told before anything is compiled or decoded. */
import { cloneModel, inferShapes, type Model } from "@cupel/onnx";
import { checkDims, classesOf, requireLabels } from "@cupel/predict";
import { type ImageSource, type Preprocessing, tensorDims, visionErrors } from "@cupel/vision";
import { trainErrors } from "../errors.ts";

export interface FitImages {
  readonly train: ImageSource;
  readonly validation: ImageSource | null;
}

export interface CheckedData extends FitImages {
  /** Name of the network's input. */
  readonly input: string;
}

/**
 * @returns the same images, whose labels are the network's classes
 * @throws IMAGES_NONE, LABELS_MISMATCH, INPUT_SHAPE_MISMATCH, METADATA_INVALID, TRAINING_CONFIG_INVALID for a
 * network of several inputs
 */
export function checkData(
  network: Model,
  { train, validation }: FitImages,
  preprocessing: Preprocessing,
): CheckedData {
  const model = cloneModel(network);
  inferShapes(model);
  const inputs = model.graph.inputs.filter((input) => !input.constant);
  const [input] = inputs;
  if (inputs.length !== 1 || !input) {
    throw trainErrors.error(
      "TRAINING_CONFIG_INVALID",
      `The network takes ${inputs.length} inputs (${inputs.map(({ name }) => name).join(", ")}); fit feeds one, of images. Train it with openTrainer.`,
    );
  }
  checkDims({ name: input.name, dims: input.shape ?? [] }, tensorDims(preprocessing, 1));
  const classes = classesOf(model);
  const labelled = (source: ImageSource) => requireLabels(assertLabelled(source), classes);
  return {
    input: input.name,
    train: labelled(train),
    validation: validation && labelled(validation),
  };
}

function assertLabelled(source: ImageSource): ImageSource {
  const { location, length, labelled } = source;
  if (length === 0) throw visionErrors.error("IMAGES_NONE", `${location} holds no image.`);
  if (labelled) return source;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${location} has no labels to train with. Sort the images into one folder a class, or name a file of labels.`,
    { details: { location } },
  );
}
