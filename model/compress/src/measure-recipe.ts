/**
 * One point of a trade-off curve: what a recipe makes of a model, and what that loses on images which neither calibrated it
 * nor judge it in the end. A search over recipes is many of these, on one machine or on several.
 */
import {
  classesOf,
  type EvaluatedImages,
  evaluateAs,
  matchLabels,
  metadataKeys,
  modelInputs,
  openModel,
  type Task,
  taskOf,
  tasks,
  withoutLabels,
} from "@cupel/predict";
import type { ImageSource } from "@cupel/vision";
import { type CompressedFile, type CompressFileOptions, compressFile } from "./compress-file.ts";
import type { MeasuredPoint } from "./search/choose-point.ts";
import { agreementLoss, classLoss } from "./search/loss.ts";

export interface MeasureRecipeOptions
  extends Omit<CompressFileOptions, "evaluation" | "report" | "labelsPath" | "labelColumn" | "command"> {
  /** Images to calibrate with. */
  readonly images: ImageSource;
  /** Images to measure the loss on. Labels that are no classes of the model are not used. */
  readonly judge: ImageSource;
}

export interface MeasuredRecipe {
  readonly point: MeasuredPoint;
  readonly file: CompressedFile;
}

/** Writes `options.out`. @throws what `compressFile` and `evaluateAs` throw */
export async function measureRecipe(path: string, options: MeasureRecipeOptions): Promise<MeasuredRecipe> {
  const { judge, out, classes, taskName, inputs, threads, strict, signal, progress } = options;
  const file = await compressFile(path, { ...options, report: false });
  const { preprocessing } = file.chosen;
  const { model } = await openModel(path);
  if (taskName !== undefined) model.metadata.set(metadataKeys.task, taskName);
  const task = taskOf(model);
  const open = modelInputs(model, preprocessing, inputs).opener(options.open);
  const names = classesOf(model, classes, task.classCount(model.graph.outputs[0]?.shape ?? []));
  const judged =
    task === tasks.classification
      ? (matchLabels(judge, names).images ?? withoutLabels(judge))
      : withoutLabels(judge);
  const work = { classes: names.names, threads, strict, open, signal, progress };
  const both = async <Evaluated extends EvaluatedImages>(as: Task<unknown, Evaluated>) =>
    [
      await evaluateAs(as, path, judged, preprocessing, work),
      await evaluateAs(as, out, judged, preprocessing, work),
    ] as const;
  const loss =
    task === tasks.classification
      ? classLoss(...(await both(tasks.classification)))
      : agreementLoss(task, ...(await both<EvaluatedImages>(task)));
  return { point: { bytes: file.bytes.compressed, ...loss }, file };
}
