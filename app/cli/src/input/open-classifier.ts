/** A model that tells classes apart, opened as the options say; one for another task is refused in words. */
import { type KnownPredictor, openPredictor, type PredictorOptions, predictErrors } from "@cupel/predict";
import type { Given } from "../arguments/parse.ts";
import type { CommandContext } from "../commands/command.ts";
import type { ModelFile } from "./model-file.ts";
import { preprocessingOption, remarkPreprocessing } from "./preprocessing-option.ts";

export type ClassPredictor = Extract<KnownPredictor, { readonly taskName: "classification" }>;

/**
 * Says how the images are prepared, where neither the model nor the caller does.
 * @param purpose completes "... classification only", such as "cupel eval measures"
 * @throws OUTPUT_UNSUPPORTED for a model of another task, and what `openPredictor` throws
 */
export async function openClassifier(
  { path, name: called }: Pick<ModelFile, "path" | "name">,
  purpose: string,
  given: Given,
  { threads, signal, progress, remark }: CommandContext,
  options: Pick<PredictorOptions, "findWith" | "classes" | "classesOtherwise" | "open">,
): Promise<ClassPredictor> {
  const predictor = await openPredictor(path, {
    ...options,
    preprocessing: given.get(preprocessingOption),
    threads,
    signal,
    progress,
  });
  const name: string = predictor.taskName;
  if (predictor.taskName !== "classification") {
    await predictor.close();
    throw predictErrors.error(
      "OUTPUT_UNSUPPORTED",
      `${called} is a model for ${name}. ${purpose} classification only.`,
      { details: { path, task: name } },
    );
  }
  const { preprocessing, origin, finding } = predictor;
  remarkPreprocessing(called, { preprocessing, origin: origin.preprocessing, finding }, remark);
  return predictor;
}
