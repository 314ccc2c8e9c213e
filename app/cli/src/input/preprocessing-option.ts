/** `--preprocessing`: how images become tensors. What nobody said is said to be found or guessed. */
import {
  assertAboveChance,
  type Chance,
  type ChosenPreprocessing,
  chanceSentence,
  preprocessingSentence,
} from "@cupel/predict";
import { type Preprocessing, preprocessingText } from "@cupel/vision";
import { flag, text } from "../arguments/option.ts";

export const preprocessingOption = text({
  name: "preprocessing",
  placeholder: "SPEC",
  summary:
    "How images become tensors, such as preset=imagenet,resize=short-side:256,crop=224; " +
    "presets are imagenet, tf, unit, raw, cifar10, mnist, caffe; what is not named stays as the model says",
  fallback: "as the model's metadata says, else what does best on the images",
});

export const allowChanceOption = flag({
  name: "allow-chance",
  summary: "Go on with a model that is right no more often than chance, instead of stopping",
});

/**
 * Stops at an original at chance, unless that is allowed, and says where too few images tell.
 * @throws ACCURACY_AT_CHANCE
 */
export function remarkChance(
  path: string,
  chance: Chance | null,
  chosen: Pick<ChosenPreprocessing, "preprocessing" | "origin">,
  allowed: boolean,
  remark: (sentence: string) => void,
): void {
  if (chance === null) return;
  if (!allowed) assertAboveChance(path, chance, chosen);
  const sentence = chanceSentence(path, chance);
  if (sentence !== null) remark(sentence);
}

/** For --json: in words, who says so, and what a trial of the usual ways showed. */
export function preprocessingJson({
  preprocessing,
  origin,
  finding,
}: Pick<ChosenPreprocessing, "preprocessing" | "origin" | "finding">) {
  const inWords = (each: Preprocessing) => preprocessingText(each);
  return {
    setting: inWords(preprocessing),
    origin,
    finding: finding && {
      ...finding,
      tried: finding.tried.map(({ preprocessing: each, ...figures }) => ({
        setting: inWords(each),
        ...figures,
      })),
    },
  };
}

/** Says who chose the preprocessing, where neither the model nor the caller did. */
export function remarkPreprocessing(
  path: string,
  chosen: Pick<ChosenPreprocessing, "preprocessing" | "origin" | "finding">,
  remark: (sentence: string) => void,
): void {
  const sentence = preprocessingSentence(path, chosen);
  if (sentence !== null) remark(sentence);
}
