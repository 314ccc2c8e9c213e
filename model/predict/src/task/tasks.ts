/** Every task there is. A new one is a row here and a file with what the row fills in. */

import { classification } from "../classification/classification.ts";
import { predictErrors } from "../errors.ts";
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
