/** Whether images and network belong together, told before anything is compiled or decoded. */
import { cloneModel, inferShapes, type Model, type Value } from "@cupel/onnx";
import { runtimeErrors } from "@cupel/runtime";
import { type ImageSource, type Preprocessing, tensorDims, visionErrors } from "@cupel/vision";
import { trainErrors } from "../errors.ts";

/**
 * @returns the name of the network's input
 * @throws IMAGES_NONE, LABELS_MISMATCH without labels, CLASSES_MISMATCH, INPUT_SHAPE_MISMATCH,
 * TRAINING_CONFIG_INVALID for a network of several inputs
 */
export function checkData(
  network: Model,
  sources: readonly ImageSource[],
  preprocessing: Preprocessing,
): string {
  const { graph } = inferred(network);
  const inputs = graph.inputs.filter((input) => !input.constant);
  const [input] = inputs;
  if (inputs.length !== 1 || !input) {
    throw trainErrors.error(
      "TRAINING_CONFIG_INVALID",
      `The network takes ${inputs.length} inputs (${inputs.map(({ name }) => name).join(", ")}); fit feeds one, of images. Train it with openTrainer.`,
    );
  }
  checkInput(input, preprocessing);
  const classes = graph.outputs[0]?.shape?.[1];
  for (const source of sources) checkLabels(source, typeof classes === "number" ? classes : null);
  return input.name;
}

function inferred(network: Model): Model {
  const model = cloneModel(network);
  inferShapes(model);
  return model;
}

function checkInput(input: Value, preprocessing: Preprocessing): void {
  const dims = tensorDims(preprocessing, 1);
  const shape = input.shape ?? [];
  const fits =
    shape.length === dims.length &&
    shape.every((size, axis) => axis === 0 || typeof size !== "number" || size === dims[axis]);
  if (fits) return;
  throw runtimeErrors.error(
    "INPUT_SHAPE_MISMATCH",
    `The network's input "${input.name}" takes [${shape.join(", ")}], but the preprocessing makes [${["N", ...dims.slice(1)].join(", ")}]. ` +
      "Set the size and colour of the preprocessing, or build the network for it.",
    { details: { input: input.name, expected: shape, given: dims } },
  );
}

/** @param classes of the network; null when its shape does not say, and the step will. */
function checkLabels(source: ImageSource, classes: number | null): void {
  const { location, length } = source;
  if (length === 0) throw visionErrors.error("IMAGES_NONE", `${location} holds no image.`);
  if (!source.labelled) {
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `${location} has no labels to train with. Sort the images into one folder a class, or name a file of labels.`,
      { details: { location } },
    );
  }
  const known = source.classes?.length ?? 1 + largestLabel(source);
  if (classes === null || known === classes || (source.classes === null && known < classes)) return;
  throw trainErrors.error(
    "CLASSES_MISMATCH",
    `${location} has ${known} classes, but the network tells ${classes} apart. Build the network for ${known} classes, or take other images.`,
    { details: { location, images: known, network: classes } },
  );
}

function largestLabel(source: ImageSource): number {
  let largest = 0;
  for (let i = 0; i < source.length; i++) largest = Math.max(largest, source.label(i)!);
  return largest;
}
