/** The pictures a verb is about, their labels, and whether those can be answers of the model. */
import {
  labelsFromMetadata,
  type OpenPicturesOptions,
  openPictures,
  type PictureSource,
  syntheticInspection,
  visionErrors,
} from "@cupel/vision";
import { type Option, text } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import type { OpenedModel } from "./open-model.ts";

export interface PictureOptions {
  readonly images: Option<string | undefined>;
  readonly labels: Option<string | undefined>;
  readonly labelColumn: Option<string | undefined>;
}

/** @param prefix "" or "eval-". @param purpose completes "Pictures ...". */
export function pictureOptions(prefix: string, purpose: string): PictureOptions {
  return {
    images: text({
      name: `${prefix}images`,
      placeholder: "DIR|FILE",
      summary: `Pictures ${purpose}: a folder (one folder a class, or flat), a CSV of labels, an IDX or CIFAR-10 binary file, one picture, or synthetic:COUNT[:SEED]`,
    }),
    labels: text({
      name: `${prefix}labels`,
      placeholder: "FILE",
      summary: `Labels kept apart from the pictures of --${prefix}images: a CSV for a folder, an idx1 file for IDX`,
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
  fallback: "classes.txt beside the pictures, else as the model's metadata says",
});

/** @throws PICTURE_SOURCE_UNKNOWN, PICTURE_SOURCE_DAMAGED, PICTURES_NONE, LABELS_MISMATCH */
export function openGiven(given: Given, options: PictureOptions, path: string): Promise<PictureSource> {
  return openSource(path, {
    labels: given.get(options.labels),
    labelColumn: given.get(options.labelColumn),
    classes: given.get(classesOption),
  });
}

/** As `openPictures`, and `synthetic:COUNT[:SEED]` for pictures that nobody has to download. */
export async function openSource(path: string, options: OpenPicturesOptions = {}): Promise<PictureSource> {
  const [, count, seed] = /^synthetic:(\d+)(?::(\d+))?$/.exec(path) ?? [];
  if (count === undefined) return openPictures(path, options);
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
 * Null when the labels of the pictures can be classes of the model, else a sentence that says why not. Ten
 * folders are ten other classes than the thousand of a model, although every label of theirs is below 1000.
 */
export function labelProblem(pictures: PictureSource, classCount: number | null): string | null {
  if (!pictures.labelled || classCount === null) return null;
  if (pictures.classes !== null && pictures.classes.length !== classCount) {
    return `${pictures.location} has ${pictures.classes.length} classes, but the model tells ${classCount} apart`;
  }
  for (let i = 0; i < pictures.length; i++) {
    const label = pictures.label(i) ?? 0;
    if (label >= classCount) {
      return `${pictures.id(i)} of ${pictures.location} has label ${label}, but the model tells ${classCount} classes apart (0 to ${classCount - 1})`;
    }
  }
  return null;
}

/** @throws LABELS_MISMATCH */
export function assertLabelsFit(pictures: PictureSource, classCount: number | null): void {
  const problem = labelProblem(pictures, classCount);
  if (problem === null) return;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${problem}. Choose another column with --label-column, give the labels or the class names, or check the model.`,
    { details: { location: pictures.location, classes: classCount } },
  );
}

/** The same pictures, their labels forgotten. */
export function withoutLabels(pictures: PictureSource): PictureSource {
  return { ...pictures, labelled: false, classes: null, label: () => null };
}

/** Names for the answers of the model, where as many are known as it has. */
export function classNamesFor(
  opened: OpenedModel,
  sources: readonly PictureSource[],
): readonly string[] | null {
  const count = classCountOf(opened);
  const own = labelsFromMetadata(opened.model.metadata);
  const candidates = [own, ...sources.map((source) => source.classes)];
  return candidates.find((names) => names != null && (count === null || names.length === count)) ?? null;
}
