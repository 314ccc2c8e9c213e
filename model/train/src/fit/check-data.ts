/** Whether images and network belong together, told before anything is compiled or decoded. */
import { cloneModel, inferShapes, type Model } from "@cupel/onnx";
import {
  checkDims,
  classesOf,
  inputsOf,
  type LabelsBy,
  namedBy,
  orderSentence,
  requireLabels,
} from "@cupel/predict";
import { type ImageSource, type Preprocessing, tensorDims, visionErrors } from "@cupel/vision";
import { trainErrors } from "../errors.ts";

export interface FitImages {
  readonly train: ImageSource;
  readonly validation: ImageSource | null;
}

export interface CheckedData extends FitImages {
  /** Name of the network's input. */
  readonly input: string;
  /** How labels met the network's classes: "index" where those of either source did. */
  readonly labels: LabelsBy;
  /** Sentences a person should know. */
  readonly notes: readonly string[];
}

/** A network in 16-bit floats is trained in float32. */
const taken: ReadonlySet<string> = new Set(["float32", "float16", "bfloat16"]);

/**
 * A network without names takes those of the images it is trained on; images to validate with meet them.
 * @returns the same images, whose labels are the network's classes
 * @throws IMAGES_NONE, LABELS_MISMATCH, INPUT_SHAPE_MISMATCH, METADATA_INVALID, TRAINING_CONFIG_INVALID for a
 * network of several inputs, or of one that is no float of rank 4
 */
export function checkData(
  network: Model,
  { train, validation }: FitImages,
  preprocessing: Preprocessing,
): CheckedData {
  const model = cloneModel(network);
  inferShapes(model);
  const inputs = inputsOf(model.graph);
  const [input] = inputs;
  if (inputs.length !== 1 || !input) {
    throw trainErrors.error(
      "TRAINING_CONFIG_INVALID",
      `The network takes ${inputs.length} inputs (${inputs.map(({ name }) => name).join(", ")}); fit feeds one, of images. Train it with openTrainer.`,
    );
  }
  checkDims(input, tensorDims(preprocessing, 1));
  if (!taken.has(input.type) || input.dims.length !== 4) {
    throw trainErrors.error(
      "TRAINING_CONFIG_INVALID",
      `The network's input "${input.name}" is ${input.type} of rank ${input.dims.length}; fit feeds batches of floats, [N, C, H, W] or [N, H, W, C].`,
    );
  }
  const classes = namedBy(classesOf(model, train.classes), [train]);
  const labelled = (source: ImageSource) => requireLabels(assertLabelled(source), classes);
  const [learnt, judged] = [labelled(train), validation && labelled(validation)];
  const labels = judged?.by === "index" ? judged.by : learnt.by;
  // Labels that are numbers throughout are what they are: there is no other order to mistake them for.
  const hasNames = classes.names !== null || Boolean(judged?.images.classes);
  const sentence = hasNames ? orderSentence(labels, classes) : null;
  return {
    input: input.name,
    train: learnt.images,
    validation: judged?.images ?? null,
    labels,
    notes: sentence === null ? [] : [sentence],
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
