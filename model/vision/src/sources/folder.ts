/**
 * A folder of images, the way torchvision's ImageFolder reads one: each first-level sub-folder is a
 * class, classes are sorted by name, deeper folders belong to the class above them. A folder without
 * sub-folders holds unlabelled images, and so does one whose sub-folders hold none.
 */
import { basename, dirname } from "node:path";
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";
import { classFinder } from "./class-finder.ts";
import { classNames } from "./class-names.ts";
import { filesSource } from "./files-source.ts";
import { DECODED_KINDS } from "./image-kinds.ts";
import { type LabelsCsvOptions, labelsFor, readLabelsCsv } from "./labels-csv.ts";
import { skippedSentence } from "./skipped-files.ts";
import { isSplitName, refuseSplits } from "./split-folders.ts";
import { type WalkedFolder, walkFolder } from "./walk-folder.ts";

export interface FolderOptions extends LabelsCsvOptions {
  /** A CSV of labels: replaces the classes that the sub-folders would give. */
  readonly labels?: string | undefined;
}

interface Labelling {
  readonly labels: readonly number[] | null;
  readonly classes: readonly string[] | null;
  readonly remarks: readonly string[];
}

/** @throws IMAGES_NONE, IMAGE_SOURCE_UNKNOWN, LABEL_FILE_MISSING, LABELS_MISMATCH */
export async function openFolder(path: string, options: FolderOptions): Promise<ImageSource> {
  const found = await walkFolder(path);
  const { files, skipped } = found;
  if (files.length === 0) {
    const unread = skippedSentence({ location: path, skipped });
    throw visionErrors.error(
      "IMAGES_NONE",
      `${path} holds no image that can be read. ` +
        (unread ?? `Expected files of the kinds ${DECODED_KINDS}, in it or in one folder per class.`),
      { details: { path, skipped } },
    );
  }
  const labelling =
    options.labels === undefined
      ? await labelsByFolder(path, found, options.classes)
      : await labelsByTable(path, found, options.labels, options);
  return { ...filesSource({ kind: "folder", location: path, root: path, files, ...labelling }), skipped };
}

/** One image by its path: a source of length one, for commands that take images. */
export async function openImageFile(path: string): Promise<ImageSource> {
  const files = [basename(path)];
  return filesSource({
    kind: "file",
    location: path,
    root: dirname(path),
    files,
    labels: null,
    classes: null,
  });
}

async function labelsByFolder(
  path: string,
  found: WalkedFolder,
  given: FolderOptions["classes"],
): Promise<Labelling> {
  const { files, folders, unread } = found;
  const names = await classNames(given, path);
  const loose = files.filter((file) => !file.includes("/"));
  const withoutImages = loose.length === files.length && unread.size === 0;
  if (folders.length === 0 || (withoutImages && loose.length > 0)) {
    const named = folders.slice(0, NAMED).join(", ");
    const remarks =
      folders.length === 0
        ? []
        : [`The folders in ${path} hold no image (${named}): the images beside them are read as unlabelled.`];
    return { labels: null, classes: names, remarks };
  }
  if (loose.length > 0) {
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `${path} has ${loose.length} images beside its class folders, first ${loose[0]}. ` +
        "Move them into a class, or give a CSV of labels.",
      { details: { path, loose: loose.slice(0, 10) } },
    );
  }
  if (names === null || !folders.filter(isSplitName).every((folder) => names.includes(folder))) {
    refuseSplits(path, files);
  }
  const classes = names ?? folders;
  const find = names === null ? null : classFinder(names);
  const labelOf = new Map<string, number>();
  for (const [index, folder] of folders.entries()) {
    const [label, ...more] = find === null ? [index] : find(folder);
    if (label !== undefined && more.length === 0) {
      labelOf.set(folder, label);
      continue;
    }
    const problem =
      label === undefined
        ? `is not one of the ${classes.length} class names`
        : `is the name of ${1 + more.length} of the ${classes.length} classes (${[label, ...more].join(" and ")})`;
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `The folder "${folder}" in ${path} ${problem}. Rename it, correct the class names, or give a CSV of labels.`,
      { details: { path, folder } },
    );
  }
  const labels = files.map((file) => labelOf.get(file.slice(0, file.indexOf("/")))!);
  return { labels, classes, remarks: [...emptyClasses(path, found), ...soleClass(path, found)] };
}

/** Folders named in a sentence. */
const NAMED = 10;

/** A class folder without an image is still a class: it is said, since nothing can be right or wrong about it. */
function emptyClasses(path: string, { files, folders, unread }: WalkedFolder): readonly string[] {
  const filled = new Set(files.map((file) => file.slice(0, file.indexOf("/"))));
  const empty = folders.filter((folder) => !filled.has(folder));
  if (empty.length === 0) return [];
  const named = empty.slice(0, NAMED).map((folder) => {
    const count = unread.get(folder) ?? 0;
    return `"${folder}"${count > 0 ? ` (${count} that ${count === 1 ? "is" : "are"} not read)` : ""}`;
  });
  const more = empty.length > NAMED ? `, and ${empty.length - NAMED} more` : "";
  const folder = empty.length === 1 ? "The class folder" : `${empty.length} class folders`;
  return [
    `${folder} in ${path} ${empty.length === 1 ? "holds" : "hold"} no image that can be read: ${named.join(", ")}${more}.`,
  ];
}

/** An archive often unpacks into a folder of its own name, which then looks like a set of one class. */
function soleClass(path: string, { files, folders }: WalkedFolder): readonly string[] {
  const [sole, ...others] = folders;
  if (sole === undefined || others.length > 0) return [];
  const inside = new Set(
    files.map((file) => file.split("/")).flatMap((parts) => (parts.length > 2 ? [parts[1]] : [])),
  );
  if (inside.size < 2 || files.some((file) => file.split("/").length === 2)) return [];
  return [
    `All images in ${path} are of one class, "${sole}", the only folder. If the ${inside.size} folders in it are the classes, give ${path}/${sole}.`,
  ];
}

async function labelsByTable(
  path: string,
  found: WalkedFolder,
  csv: string,
  options: FolderOptions,
): Promise<Labelling> {
  const table = await readLabelsCsv(csv, options);
  return {
    labels: labelsFor(table, csv, path, found.files),
    classes: table.classes,
    remarks: table.remarks,
  };
}
