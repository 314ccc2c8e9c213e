/**
 * From a path to a source of images, by looking at what is there. The formats are one table, tried in
 * order: adding a format is adding a row.
 */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { reasonOf } from "@cupel/base";
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";
import { openCifar } from "./cifar.ts";
import { isImageName } from "./files-source.ts";
import { openFolder, openImageFile } from "./folder.ts";
import { isIdxHead, openIdx } from "./idx.ts";
import { openLabelsCsv } from "./labels-csv.ts";
import { headOf } from "./packed-file.ts";

export interface OpenImagesOptions {
  /** Labels in a file of their own: a CSV for a folder, an idx1 file for IDX. */
  readonly labels?: string | undefined;
  /** The column of a CSV that holds the labels. Default `label`. */
  readonly labelColumn?: string | undefined;
  /** Class names in the order of the labels, or a file with one a line. Default: `classes.txt` beside the images. */
  readonly classes?: readonly string[] | string | undefined;
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

const isPacked = (name: string): boolean => /(idx[34]-ubyte|\.bin)(\.gz)?$/.test(name);

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
    recognises: (place) => place.kind === "file" && /\.bin(\.gz)?$/.test(place.path),
    open: openCifar,
  },
  image: {
    expects: "an image",
    takesLabels: false,
    recognises: (place) => place.kind === "file" && isImageName(basename(place.path)),
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
 * @throws IMAGE_SOURCE_UNKNOWN, IMAGE_SOURCE_DAMAGED, IMAGES_NONE, LABELS_MISMATCH
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
    return await format.open(path, options);
  }
  throw unknownSource(place);
}

async function lookAt(path: string): Promise<Place> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return { kind: "folder", path, names: (await readdir(path)).sort() };
  } catch (thrown) {
    throw visionErrors.error(
      "IMAGE_SOURCE_UNKNOWN",
      `There are no images at ${path}: ${reasonOf(thrown)}. Check the path.`,
      { cause: thrown, details: { path } },
    );
  }
  return { kind: "file", path, head: await headOf(path) };
}

function unknownSource(place: Place) {
  const packed = place.kind === "folder" ? place.names.filter(isPacked) : [];
  const advice =
    packed.length > 0
      ? `Name one of its files: ${packed.join(", ")}.`
      : `Expected ${Object.values(SOURCE_FORMATS)
          .map((format) => format.expects)
          .join("; ")}.`;
  return visionErrors.error("IMAGE_SOURCE_UNKNOWN", `${place.path} is not a source of images. ${advice}`, {
    details: { path: place.path, files: packed },
  });
}
