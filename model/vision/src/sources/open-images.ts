/**
 * From a path to a source of images, by looking at what is there. The formats are one table, tried in
 * order: adding a format is adding a row.
 */
import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { own, reasonOf } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";
import { openCifar } from "./cifar.ts";
import { openFolder, openImageFile } from "./folder.ts";
import { isIdxHead, openIdx } from "./idx.ts";
import { kindByName, kindOf } from "./image-kinds.ts";
import { openLabelsCsv } from "./labels-csv.ts";
import { headOf } from "./packed-file.ts";
import { skippedSentence } from "./skipped-files.ts";

export interface OpenImagesOptions {
  /** Labels in a file of their own: a CSV for a folder, an idx1 file for IDX. */
  readonly labels?: string | undefined;
  /** The column of a CSV that holds the labels. Default `label`. */
  readonly labelColumn?: string | undefined;
  /** Class names in the order of the labels, or a file with one a line. Default: `classes.txt` beside the images. */
  readonly classes?: readonly string[] | string | undefined;
  /** When true, files that look like images and are not read are an error. Default false: `ImageSource.skipped` lists them. */
  readonly strict?: boolean | undefined;
}

type Place =
  | { readonly kind: "folder"; readonly path: string; readonly names: readonly string[] }
  | { readonly kind: "file"; readonly path: string; readonly head: Uint8Array };

interface SourceFormat {
  /** Shown when nothing is recognised. */
  readonly expects: string;
  /** Whether `OpenImagesOptions.labels` means something here. */
  readonly takesLabels: boolean;
  recognises(place: Place): boolean;
  open(path: string, options: OpenImagesOptions): Promise<ImageSource>;
}

/** A folder that holds this file is read as the table, not as a tree of classes. */
const TABLE_IN_FOLDER = "labels.csv";

const isPacked = (name: string): boolean => /(idx[34]-ubyte|\.bin)(\.gz)?$/i.test(name);

function isImage({ path, head }: Extract<Place, { kind: "file" }>): boolean {
  return kindOf(path, head) !== null || kindByName(path) !== null;
}

const SOURCE_FORMATS: Readonly<Record<string, SourceFormat>> = {
  table: {
    expects: "a CSV of labels with the columns file and label",
    takesLabels: false,
    recognises: (place) => place.kind === "file" && /\.csv$/i.test(place.path),
    open: openLabelsCsv,
  },
  idx: {
    expects: "an IDX file of images, .gz or not",
    takesLabels: true,
    recognises: (place) => place.kind === "file" && isIdxHead(place.head),
    open: openIdx,
  },
  cifar: {
    expects: "a CIFAR-10 binary file, .bin or .bin.gz",
    takesLabels: false,
    recognises: (place) => place.kind === "file" && /\.bin(\.gz)?$/i.test(place.path),
    open: openCifar,
  },
  image: {
    expects: "an image",
    takesLabels: false,
    recognises: (place) => place.kind === "file" && isImage(place),
    open: openImageFile,
  },
  folder: {
    expects: "a folder of images, or of one folder per class",
    takesLabels: true,
    recognises: (place) =>
      place.kind === "folder" && !place.names.includes(TABLE_IN_FOLDER) && !place.names.some(isPacked),
    open: openFolder,
  },
  folderWithTable: {
    expects: `a folder with a ${TABLE_IN_FOLDER}`,
    takesLabels: true,
    recognises: (place) => place.kind === "folder" && place.names.includes(TABLE_IN_FOLDER),
    open: (path, options) =>
      options.labels === undefined
        ? openLabelsCsv(join(path, TABLE_IN_FOLDER), options)
        : openFolder(path, options),
  },
};

/**
 * @throws IMAGE_SOURCE_UNKNOWN, IMAGE_SOURCE_DAMAGED, IMAGE_SOURCE_TOO_LARGE, IMAGES_NONE, LABEL_FILE_MISSING,
 * LABELS_MISMATCH, LABEL_TOO_LARGE, and IMAGES_UNREADABLE under `strict`
 */
export async function openImages(path: string, options: OpenImagesOptions = {}): Promise<ImageSource> {
  const place = await lookAt(path);
  for (const format of Object.values(SOURCE_FORMATS)) {
    if (!format.recognises(place)) continue;
    if (options.labels !== undefined && !format.takesLabels) {
      throw visionErrors.error(
        "LABELS_MISMATCH",
        `${path} is read as ${format.expects}, which takes no separate labels: leave out ${options.labels}.`,
        { details: { path, labels: options.labels } },
      );
    }
    const source = await format.open(path, options);
    if (options.strict) refuseSkipped(source);
    return source;
  }
  throw unknownSource(place);
}

async function lookAt(path: string): Promise<Place> {
  let isFile: boolean;
  try {
    const found = await stat(path);
    isFile = found.isFile();
    if (found.isDirectory()) {
      const entries = await readdir(path, { withFileTypes: true });
      const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
      return { kind: "folder", path, names: names.sort() };
    }
  } catch (thrown) {
    throw visionErrors.error(
      "IMAGE_SOURCE_UNKNOWN",
      `There are no images at ${path}: ${reasonOf(thrown)}. Check the path.`,
      { cause: thrown, details: { path } },
    );
  }
  if (!isFile) {
    throw visionErrors.error(
      "IMAGE_SOURCE_UNKNOWN",
      `${path} is a pipe, a socket or a device, and not a source of images. Give a folder or a file.`,
      { details: { path } },
    );
  }
  return { kind: "file", path, head: await headOf(path) };
}

function refuseSkipped(source: ImageSource): void {
  const sentence = skippedSentence(source);
  if (sentence === null) return;
  throw visionErrors.error("IMAGES_UNREADABLE", sentence, {
    details: { location: source.location, skipped: source.skipped },
  });
}

/** What people give first that only tells where images are, by the end of its name. */
const tellsOfImages: Readonly<Record<string, string>> = {
  ".yaml":
    "It names folders: give the folder of the images to validate with, and by --labels that of its .txt files.",
  ".json": "It holds labels: give the folder of their images, and this file by --labels.",
};

function unknownSource(place: Place) {
  const packed = place.kind === "folder" ? place.names.filter(isPacked) : [];
  const told = own(tellsOfImages, extname(place.path).toLowerCase().replace(".yml", ".yaml"));
  const expected = Object.values(SOURCE_FORMATS).map((format) => format.expects);
  const advice =
    packed.length > 0
      ? `Name one of its files: ${packed.join(", ")}.`
      : (told ?? `Expected ${expected.join("; ")}.`);
  return visionErrors.error("IMAGE_SOURCE_UNKNOWN", `${place.path} is not a source of images. ${advice}`, {
    details: { path: place.path, files: packed },
  });
}
