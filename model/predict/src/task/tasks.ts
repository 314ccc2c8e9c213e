/** Every task there is. A new one is a row here and a file with what the row fills in. */

import { cloneModel, inferShapes, type Model } from "@cupel/onnx";
import type { ValueInfo } from "@cupel/runtime";
import { classification } from "../classification/classification.ts";
import { detection } from "../detection/detection.ts";
import { predictErrors } from "../errors.ts";
import { features } from "../features/features.ts";
import { metadataKeys } from "../file/metadata.ts";
import { multiLabel } from "../multi-label/multi-label.ts";
import { regression } from "../regression/regression.ts";
import { segmentation } from "../segmentation/segmentation.ts";
import { sequence } from "../sequence/sequence.ts";
import type { Task, TaskModel } from "./task.ts";

/**
 * By the name in a model's metadata. Where the metadata does not say, the rows are asked in this order
 * whether they recognise the outputs, so that a row which takes almost anything MUST be last.
 */
export const tasks = {
  sequence,
  detection,
  "multi-label": multiLabel,
  classification,
  segmentation,
  regression,
  features,
} satisfies Readonly<Record<string, Task>>;

export type TaskName = keyof typeof tasks;
export type KnownTask = (typeof tasks)[TaskName];

function isTaskName(name: string): name is TaskName {
  return Object.hasOwn(tasks, name);
}

/** In the order of the table. */
export const taskNames: readonly TaskName[] = Object.keys(tasks).filter(isTaskName);

/** @throws TASK_UNKNOWN */
export function taskNamed(name: string): KnownTask {
  if (isTaskName(name)) return tasks[name];
  throw predictErrors.error(
    "TASK_UNKNOWN",
    `The model's metadata says that its task is "${name}". Known are: ${taskNames.join(", ")}. ` +
      "Give the task where the model is opened, or use a newer version.",
    { details: { task: name } },
  );
}

/** As its metadata says, or where it does not, as the shapes of its outputs say. @throws TASK_UNKNOWN, OUTPUT_UNSUPPORTED */
export function taskOf(model: Model): KnownTask {
  const name = model.metadata.get(metadataKeys.task);
  return name === undefined ? recognisedTask({ outputs: declaredOutputs(model), model }) : taskNamed(name);
}

/** Whether `taskOf` the model is telling classes apart. */
export function isClassifier(model: Model): boolean {
  return taskOf(model) === classification;
}

/** The first that recognises the outputs. @throws OUTPUT_UNSUPPORTED */
export function recognisedTask(model: Pick<TaskModel, "outputs" | "model">): KnownTask {
  const task = Object.values(tasks).find((each) => each.recognises(model));
  if (task) return task;
  throw predictErrors.error("OUTPUT_UNSUPPORTED", "The model has no output.");
}

/** The outputs, as an engine would declare them. */
export function declaredOutputs(model: Model): ValueInfo[] {
  return withOutputShapes(model).graph.outputs.map(({ name, type, shape }) => ({
    name,
    type: type?.kind === "tensor" ? type.elementType : "float32",
    dims: (shape ?? []).map((size) => size ?? "?"),
  }));
}

function withOutputShapes(model: Model): Model {
  if (model.graph.outputs.every(({ shape }) => shape !== null)) return model;
  const inferred = cloneModel(model);
  inferShapes(inferred);
  return inferred;
}
