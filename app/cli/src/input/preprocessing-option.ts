/** `--preprocessing`: how images become tensors. What is guessed without it is said to be a guess. */
import { type ChosenPreprocessing, choosePreprocessing, type OpenedModel } from "@cupel/predict";
import { type Preprocessing, preprocessingText } from "@cupel/vision";
import { text } from "../arguments/option.ts";

export const preprocessingOption = text({
  name: "preprocessing",
  placeholder: "SPEC",
  summary:
    "How images become tensors, such as preset=imagenet,resize=short-side:256,crop=224; " +
    "presets are imagenet, tf, raw, cifar10; what is not named stays as the model says",
  fallback: "as the model's metadata says, else guessed from its input shape",
});

/** @param spec as given. @throws PREPROCESSING_INVALID, METADATA_INVALID */
export function preprocessingOf(
  opened: OpenedModel,
  spec: string | undefined,
  remark: (sentence: string) => void,
): Preprocessing {
  const chosen = choosePreprocessing(opened, spec);
  remarkGuess(opened.path, chosen, remark);
  return chosen.preprocessing;
}

/** Says that a guess is one; nothing else is remarked. */
export function remarkGuess(
  path: string,
  { preprocessing, origin }: ChosenPreprocessing,
  remark: (sentence: string) => void,
): void {
  if (origin !== "guessed") return;
  remark(
    `${path} does not say how its images are prepared; guessed from the input shape: ${preprocessingText(preprocessing)}. ` +
      "If the accuracy is not what you know it to be, set --preprocessing.",
  );
}
