/** How images become tensors for a model: as it is given, else as the model says, else a guess that is said to be one. */
import { type Preprocessing, parsePreprocessing, preprocessingFor } from "@cupel/vision";
import { preprocessingFromMetadata } from "./metadata.ts";
import type { OpenedModel } from "./open-model.ts";

/** Where something that a model needs came from: its own metadata, the caller, or nothing better than a guess. */
export type Origin = "metadata" | "given" | "guessed";

export interface ChosenPreprocessing {
  readonly preprocessing: Preprocessing;
  readonly origin: Origin;
}

/**
 * @param given in full, or in the words of `parsePreprocessing`: what is not named is then as the model says.
 * @throws METADATA_INVALID, PREPROCESSING_INVALID, also where the input's shape is not that of an image
 */
export function choosePreprocessing(
  { model, inputShape }: Pick<OpenedModel, "model" | "inputShape">,
  given: Preprocessing | string | undefined,
): ChosenPreprocessing {
  if (typeof given === "object") return { preprocessing: given, origin: "given" };
  const own = preprocessingFromMetadata(model.metadata);
  const base = own ?? preprocessingFor(inputShape);
  if (given !== undefined) return { preprocessing: parsePreprocessing(given, base), origin: "given" };
  return { preprocessing: base, origin: own === null ? "guessed" : "metadata" };
}
