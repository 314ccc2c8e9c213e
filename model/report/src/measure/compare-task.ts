/** What two models of any task but classification answer for the same images, in the figures of the task. */
import type { EvaluatedImages, Task } from "@cupel/predict";
import type { ModelPair } from "../model-pair.ts";
import type { TaskFigures } from "../report-schema.ts";

/** Both MUST be evaluations of this task over the same source. */
export function compareTask(task: Task, { original, compressed }: ModelPair<EvaluatedImages>): TaskFigures {
  const after = new Map(task.figures(compressed).map((figure) => [figure.name, figure.value]));
  return {
    measured: task.figures(original).map(({ name, unit, value, of }) => ({
      name,
      unit,
      original: value,
      compressed: after.get(name) ?? Number.NaN,
      of,
    })),
    differences: task.differences(task.compare(original, compressed)),
  };
}
