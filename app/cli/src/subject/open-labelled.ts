/** The images a command is about, their labels, and whether those can be predictions of the model. */
import { classesFromMetadata } from "@cupel/predict";
import {
  type ImageSource,
  type OpenImagesOptions,
  openImages,
  syntheticInspection,
  visionErrors,
} from "@cupel/vision";
import { type Option, text } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import type { OpenedModel } from "./open-model.ts";

export interface ImageOptions {
  readonly images: Option<string | undefined>;
  readonly labels: Option<string | undefined>;
  readonly labelColumn: Option<string | undefined>;
}

/** @param prefix "" or "eval-". @param purpose completes "Images ...". */
export function imageOptions(prefix: string, purpose: string): ImageOptions {
  return {
    images: text({
      name: `${prefix}images`,
      placeholder: "DIR|FILE",
      summary: `Images ${purpose}: a folder (one folder a class, or flat), a CSV of labels, an IDX or CIFAR-10 binary file, one image, or synthetic:COUNT[:SEED]`,
    }),
    labels: text({
      name: `${prefix}labels`,
      placeholder: "FILE",
      summary: `Labels kept apart from the images of --${prefix}images: a CSV for a folder, an idx1 file for IDX`,
    }),
    labelColumn: text({
      name: `${prefix}label-column`,
      placeholder: "NAME",
      summary: "Column of the CSV that holds the labels",
      fallback: "label",
    }),
  };
}

export const classesOption = text({
  name: "classes",
  placeholder: "FILE",
  summary: "Class names in the order of the labels, one a line",
  fallback: "classes.txt beside the images, else as the model's metadata says",
});

/** @throws IMAGE_SOURCE_UNKNOWN, IMAGE_SOURCE_DAMAGED, IMAGES_NONE, LABELS_MISMATCH */
export function openGiven(given: Given, options: ImageOptions, path: string): Promise<ImageSource> {
  return openSource(path, {
    labels: given.get(options.labels),
    labelColumn: given.get(options.labelColumn),
    classes: given.get(classesOption),
  });
}

/** As `openImages`, and `synthetic:COUNT[:SEED]` for images that nobody has to download. */
export async function openSource(path: string, options: OpenImagesOptions = {}): Promise<ImageSource> {
  const [, count, seed] = /^synthetic:(\d+)(?::(\d+))?$/.exec(path) ?? [];
  if (count === undefined) return openImages(path, options);
  return syntheticInspection({ count: Number(count), seed: seed === undefined ? undefined : Number(seed) });
}

/** How many classes the model tells apart; null when its output does not say. */
export function classCountOf({ model }: OpenedModel): number | null {
  const sizes = model.graph.outputs[0]?.shape?.slice(1) ?? [];
  if (sizes.length === 0) return null;
  return sizes.reduce<number | null>(
    (product, size) => (product === null || typeof size !== "number" ? null : product * size),
    1,
  );
}

/**
 * Null when the labels of the images can be classes of the model, else a sentence that says why not. Ten
 * folders are ten other classes than the thousand of a model, although every label of theirs is below 1000.
 */
export function labelProblem(images: ImageSource, classCount: number | null): string | null {
  if (!images.labelled || classCount === null) return null;
  if (images.classes !== null && images.classes.length !== classCount) {
    return `${images.location} has ${images.classes.length} classes, but the model tells ${classCount} apart`;
  }
  for (let i = 0; i < images.length; i++) {
    const label = images.label(i) ?? 0;
    if (label >= classCount) {
      return `${images.id(i)} of ${images.location} has label ${label}, but the model tells ${classCount} classes apart (0 to ${classCount - 1})`;
    }
  }
  return null;
}

/** @throws LABELS_MISMATCH */
export function assertLabelsFit(images: ImageSource, classCount: number | null): void {
  const problem = labelProblem(images, classCount);
  if (problem === null) return;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${problem}. Choose another column with --label-column, give the labels or the class names, or check the model.`,
    { details: { location: images.location, classes: classCount } },
  );
}

/** The same images, their labels forgotten. */
export function withoutLabels(images: ImageSource): ImageSource {
  return { ...images, labelled: false, classes: null, label: () => null };
}

/** Names for the predictions of the model, where as many are known as it has. */
export function classNamesFor(
  opened: OpenedModel,
  sources: readonly ImageSource[],
): readonly string[] | null {
  const count = classCountOf(opened);
  const own = classesFromMetadata(opened.model.metadata);
  const candidates = [own, ...sources.map((source) => source.classes)];
  return candidates.find((names) => names != null && (count === null || names.length === count)) ?? null;
}
