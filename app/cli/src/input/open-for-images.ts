/** A model opened for images as the options say, whatever its task; what it was taken for is said. */
import { type KnownPredictor, openPredictor, type PredictorOptions, taskNames, tasks } from "@cupel/predict";
import { choice } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import type { CommandContext } from "../commands/command.ts";
import { tryIfIsolated } from "./isolation.ts";
import type { ModelFile } from "./model-file.ts";
import { givenInputs, givenProviders } from "./model-options.ts";
import { preprocessingOption, remarkPreprocessing } from "./preprocessing-option.ts";

export const taskOption = choice({
  name: "task",
  choices: taskNames,
  summary: "What the outputs of the model mean, where their shapes do not tell or another reading is wanted",
  fallback: "as the model's metadata says, else as the outputs look",
});

/**
 * Tries the model first, where --isolated asks for it. Says how the images are prepared and what the outputs are taken for, where neither the model nor the caller does.
 * @throws what `openPredictor` throws
 */
export async function openForImages(
  { path, name: called }: Pick<ModelFile, "path" | "name">,
  given: Given,
  context: CommandContext,
  options: Pick<PredictorOptions, "findWith" | "classes" | "classesOtherwise" | "open" | "taskName">,
): Promise<KnownPredictor> {
  const { threads, signal, progress, remark } = context;
  const preprocessingGiven = given.get(preprocessingOption);
  const inputs = await givenInputs(given);
  const executionProviders = givenProviders(given);
  await tryIfIsolated(
    path,
    given,
    { spec: preprocessingGiven, tensors: inputs, executionProviders },
    context,
  );
  const predictor = await openPredictor(path, {
    taskName: given.get(taskOption),
    ...options,
    preprocessing: preprocessingGiven,
    inputs,
    executionProviders,
    threads,
    signal,
    progress,
  });
  const { preprocessing, origin, finding, taskName } = predictor;
  for (const each of [...predictor.inputSentences, ...predictor.outputSentences]) remark(each);
  const sentence = origin.task === "guessed" ? taskSentence(called, taskName) : null;
  if (sentence !== null) remark(sentence);
  if (predictor.form !== null) remark(`The outputs of ${called} are read as ${predictor.form}.`);
  remarkPreprocessing(called, { preprocessing, origin: origin.preprocessing, finding }, remark);
  return predictor;
}

/** Null for what most models are. */
export function taskSentence(path: string, taskName: KnownPredictor["taskName"]): string | null {
  if (taskName === tasks.classification.name) return null;
  return `${path} is taken for a model of ${taskName}, because ${tasks[taskName].recognisedBy}; --task gives another.`;
}
