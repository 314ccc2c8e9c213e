/**
 * How images become tensors: as the model itself says, else a guess that is said to be one; what is
 * given on the command line goes before both.
 */
import { preprocessingFromMetadata } from "@cupel/predict";
import { type Preprocessing, parsePreprocessing, preprocessingFor } from "@cupel/vision";
import { text } from "../arguments/option.ts";
import type { OpenedModel } from "./open-model.ts";

export const preprocessingOption = text({
  name: "preprocessing",
  placeholder: "SPEC",
  summary:
    "How images become tensors, such as preset=imagenet,resize=short-side:256,crop=224; " +
    "presets are imagenet, tf, raw, cifar10; what is not named stays as the model says",
  fallback: "as the model's metadata says, else guessed from its input shape",
});

/** @throws PREPROCESSING_INVALID */
export function choosePreprocessing(
  { model, inputShape, path }: OpenedModel,
  spec: string | undefined,
  remark: (sentence: string) => void,
): Preprocessing {
  const own = preprocessingFromMetadata(model.metadata);
  const base = own ?? preprocessingFor(inputShape);
  if (spec !== undefined) return parsePreprocessing(spec, base);
  if (own === null) {
    remark(
      `${path} does not say how its images are prepared; guessed from the input shape: ${preprocessingText(base)}. ` +
        "If the accuracy is not what you know it to be, set --preprocessing.",
    );
  }
  return base;
}

/** In the words of the option, so that it can be copied into it. */
export function preprocessingText(preprocessing: Preprocessing): string {
  const { width, height, colour, resize, interpolation, layout, scale, mean, std } = preprocessing;
  const resized = "size" in resize ? `${resize.kind}:${resize.size}` : resize.kind;
  const crop = width === height ? `${width}` : `${width}x${height}`;
  const list = (values: readonly number[]) => values.map(shortNumber).join("/");
  return (
    `colour=${colour},resize=${resized},crop=${crop},interpolation=${interpolation},layout=${layout},` +
    `scale=${scaleText(scale)},mean=${list(mean)},std=${list(std)}`
  );
}

function scaleText(scale: number): string {
  const divisor = 1 / scale;
  const rounded = Math.round(divisor * 10) / 10;
  return scale < 1 && Math.abs(divisor - rounded) < 1e-9 * divisor ? `1/${rounded}` : shortNumber(scale);
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(8)));
}
