/** Where a command's images, their labels and their class names come from. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { type ImageSource, type OpenImagesOptions, openImages, syntheticInspection } from "@cupel/vision";
import { type Option, text } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import { remarkSource } from "./source-remarks.ts";
import { strictOption } from "./unreadable-images.ts";

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
      summary: `Labels kept apart from the images of --${prefix}images: a CSV for a folder, an idx1 file for IDX, boxes as COCO's annotations (.json) or a folder of YOLO's .txt, masks as a folder of PNGs, texts as a CSV with the columns file and text`,
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
  summary:
    "Class names in the order of the labels, one a line; also those of the model's classes where it names none",
  fallback: "classes.txt beside the images, else as the model's metadata says",
});

/**
 * @param remark told what is odd about the source, and what in it is not read.
 * @throws IMAGE_SOURCE_UNKNOWN, IMAGE_SOURCE_DAMAGED, IMAGES_NONE, IMAGES_UNREADABLE, LABEL_FILE_MISSING, LABELS_MISMATCH
 */
export async function openGiven(
  given: Given,
  options: ImageOptions,
  path: string,
  remark: (sentence: string) => void,
): Promise<ImageSource> {
  const source = await openSource(path, {
    labels: labelsPath(given, options) === null ? given.get(options.labels) : undefined,
    labelColumn: given.get(options.labelColumn),
    classes: given.get(classesOption),
    strict: given.get(strictOption),
  });
  remarkSource(source, remark);
  return source;
}

/** A folder of labels, such as masks, a file of boxes or a table of texts: whose meaning the task of the model knows. */
export function labelsPath(given: Given, { labels }: ImageOptions): string | null {
  const path = given.get(labels);
  return path !== undefined && (/\.json$/i.test(path) || isFolder(path) || hasTexts(path)) ? path : null;
}

/** Whether it is a table with a column of texts and none of labels. What cannot be read is told of by who reads it. */
function hasTexts(path: string): boolean {
  if (!/\.csv$/i.test(path) || !existsSync(path)) return false;
  const [header = ""] = readFileSync(path, "utf8")
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/, 1);
  const columns = header.split(/[,;\t]/).map((name) => name.trim().replaceAll('"', "").toLowerCase());
  return columns.includes("text") && !columns.some((name) => name.startsWith("label"));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The names given with --classes: the order of the model's classes too, where the model names none. */
export function givenClasses(given: Given, images: ImageSource): readonly string[] | null {
  return given.has(classesOption) ? images.classes : null;
}

/** As `openImages`, and `synthetic:COUNT[:SEED]` for images that nobody has to download. */
export async function openSource(path: string, options: OpenImagesOptions = {}): Promise<ImageSource> {
  const [, count, seed] = /^synthetic:(\d+)(?::(\d+))?$/.exec(path) ?? [];
  if (count === undefined) return openImages(path, options);
  return syntheticInspection({ count: Number(count), seed: seed === undefined ? undefined : Number(seed) });
}
