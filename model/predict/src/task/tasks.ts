/** Every task there is. A new one is a row here and a file with what the row fills in. */

import { cloneModel, inferShapes, type Model } from "@cupel/onnx";
import { classification } from "../classification/classification.ts";
import { predictErrors } from "../errors.ts";
import { metadataKeys } from "../file/metadata.ts";
import type { Task, TaskModel } from "./task.ts";

/**
 * By the name in a model's metadata. Where the metadata does not say, the rows are asked in this order
 * whether they recognise the outputs, so that a row which takes almost anything MUST be last.
 */
export const tasks = { classification } satisfies Readonly<Record<string, Task>>;

export type TaskName = keyof typeof tasks;
export type KnownTask = (typeof tasks)[TaskName];

/** @throws TASK_UNKNOWN */
export function taskNamed(name: string): KnownTask {
  const task = Object.values(tasks).find((each) => each.name === name);
  if (task) return task;
  throw predictErrors.error(
    "TASK_UNKNOWN",
    `The model's metadata says that its task is "${name}". Known are: ${Object.keys(tasks).join(", ")}. ` +
      "Give the task where the model is opened, or use a newer version.",
    { details: { task: name } },
  );
}

/**
 * Whether the model's metadata, or where it does not say the shape of its outputs, says that it tells classes apart.
 */
export function isClassifier(model: Model): boolean {
  const name = model.metadata.get(metadataKeys.task);
  if (name !== undefined) return name === classification.name;
  const outputs = withOutputShapes(model).graph.outputs.map(({ name, type, shape }) => ({
    name,
    type: type?.kind === "tensor" ? type.elementType : "float32",
    dims: (shape ?? []).map((size) => size ?? "?"),
  }));
  return classification.recognises({ outputs, model });
}

function withOutputShapes(model: Model): Model {
  if (model.graph.outputs.every(({ shape }) => shape !== null)) return model;
  const inferred = cloneModel(model);
  inferShapes(inferred);
  return inferred;
}

/** The first that recognises the outputs. @throws OUTPUT_UNSUPPORTED */
export function recognisedTask(model: Pick<TaskModel, "outputs" | "model">): KnownTask {
  const task = Object.values(tasks).find((each) => each.recognises(model));
  if (task) return task;
  const outputs = model.outputs.map(({ name, type, dims }) => `"${name}" ${type} [${dims.join(", ")}]`);
  throw predictErrors.error(
    "OUTPUT_UNSUPPORTED",
    `The model's outputs are those of no known task (${Object.keys(tasks).join(", ")}): ${outputs.join(", ") || "it has none"}.`,
  );
}
