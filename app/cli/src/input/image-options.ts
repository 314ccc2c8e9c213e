/** Where a command's images, their labels and their class names come from. */
import { statSync } from "node:fs";
import type { TaskName } from "@cupel/predict";
import {
  type ImageSource,
  type OpenImagesOptions,
  openImages,
  readTable,
  syntheticInspection,
} from "@cupel/vision";
import { type Option, text } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import { taskOption } from "./open-for-images.ts";
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
      summary: `Labels kept apart from the images of --${prefix}images: a CSV for a folder, an idx1 file for IDX, boxes as COCO's annotations (.json) or a folder of YOLO's .txt, masks as a folder of PNGs, texts as a CSV with the columns file and text, several classes of an image as one with the columns file and labels (cat|dog) or a column of 0 and 1 for each class, and with --task regression numbers`,
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
  const { path: ofTask } = await taskLabels(given, options);
  const source = await openSource(path, {
    labels: ofTask === null ? given.get(options.labels) : undefined,
    labelColumn: ofTask === null ? given.get(options.labelColumn) : undefined,
    classes: given.get(classesOption),
    strict: given.get(strictOption),
  });
  remarkSource(source, remark);
  return source;
}

/** What the model's task makes labels of: a folder of masks, a file of boxes, a table of texts, sets or numbers. */
export interface TaskLabels {
  /** Null where there are none, or they are labels of the images. */
  readonly path: string | null;
  /** Of a table; null where its name tells. */
  readonly column: string | null;
}

/** @throws what reading a table throws, where --task says that it is one of the task */
export async function taskLabels(given: Given, options: ImageOptions): Promise<TaskLabels> {
  const path = given.get(options.labels);
  const column = given.get(options.labelColumn) ?? null;
  const isOfTask =
    path !== undefined &&
    (/\.json$/i.test(path) ||
      isFolder(path) ||
      (/\.csv$/i.test(path) && (await isTaskTable(path, given, column))));
  return isOfTask ? { path, column } : { path: null, column: null };
}

/** Tasks whose labels are in a table. */
const ofTables: readonly (TaskName | undefined)[] = ["multi-label", "regression", "sequence"];

/** By --task, else by what stands in it: texts, sets of classes, or a column of 0 and 1 for each class. */
async function isTaskTable(path: string, given: Given, column: string | null): Promise<boolean> {
  const task = given.get(taskOption);
  if (task !== undefined) return ofTables.includes(task);
  if (column !== null) return false;
  // What cannot be read is told of by who reads it.
  const table = await readTable(path).catch(() => null);
  if (table === null) return false;
  const { columns, rows } = table;
  const named = columns.map((name) => name.toLowerCase());
  const of = (at: number) => rows.map(({ fields }) => String(fields[at]));
  if (named.includes("labels")) return of(named.indexOf("labels")).some((text) => /[|;]/.test(text));
  if (named.some((name) => name.startsWith("label"))) return false;
  return named.includes("text") || (named.length > 1 && named.every((_, at) => of(at).every(isMember)));
}

const isMember = (text: string): boolean => /^[01](\.0)?$/.test(text);

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
