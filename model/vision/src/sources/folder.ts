/**
 * A folder of images, the way torchvision's ImageFolder reads one: each first-level sub-folder is a
 * class, classes are sorted by name, deeper folders belong to the class above them. A folder without
 * sub-folders holds unlabelled images.
 */
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { visionErrors } from "../errors.ts";
import type { ImageSource } from "../image.ts";
import { classNames, labelsByName } from "./class-names.ts";
import { filesSource, isImageName } from "./files-source.ts";
import { type LabelsCsvOptions, labelsFor, readLabelsCsv } from "./labels-csv.ts";

export interface FolderOptions extends LabelsCsvOptions {
  /** A CSV of labels: replaces the classes that the sub-folders would give. */
  readonly labels?: string | undefined;
}

/** @throws IMAGES_NONE, LABELS_MISMATCH */
export async function openFolder(path: string, options: FolderOptions): Promise<ImageSource> {
  const found = await imagesUnder(path);
  if (found.files.length === 0) {
    throw visionErrors.error(
      "IMAGES_NONE",
      `${path} holds no image. Expected .jpg, .png, .webp, .tif, .gif or .avif files, in it or in one folder per class.`,
      { details: { path } },
    );
  }
  const labelling =
    options.labels === undefined
      ? await labelsByFolder(path, found, options.classes)
      : await labelsByTable(path, found, options.labels, options);
  return filesSource({ kind: "folder", location: path, root: path, files: found.files, ...labelling });
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

interface Found {
  readonly files: readonly string[];
  readonly subFolders: readonly string[];
}

/** Code-unit order, which unlike a locale's is the same on every machine. */
const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

async function imagesUnder(root: string): Promise<Found> {
  const subFolders: string[] = [];
  const files: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(join(root, folder), { withFileTypes: true });
    entries.sort((a, b) => byName(a.name, b.name));
    for (const entry of entries) {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !entry.name.startsWith(".")) {
        if (folder === "") subFolders.push(name);
        await walk(name);
      } else if (!entry.isDirectory() && isImageName(entry.name)) {
        files.push(name);
      }
    }
  };
  await walk("");
  return { files, subFolders };
}

async function labelsByFolder(path: string, found: Found, given: FolderOptions["classes"]) {
  const { files, subFolders } = found;
  const names = await classNames(given, path);
  if (subFolders.length === 0) return { labels: null, classes: names };

  const loose = files.filter((file) => !file.includes("/"));
  if (loose.length > 0) {
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `${path} has ${loose.length} images beside its class folders, first ${loose[0]}. ` +
        "Move them into a class, or give a CSV of labels.",
      { details: { path, loose: loose.slice(0, 10) } },
    );
  }
  const classes = names ?? subFolders;
  const labelOf = labelsByName(classes);
  for (const folder of subFolders) {
    if (labelOf.has(folder)) continue;
    throw visionErrors.error(
      "LABELS_MISMATCH",
      `The folder "${folder}" in ${path} is not one of the ${classes.length} class names. ` +
        "Rename it, correct the class names, or give a CSV of labels.",
      { details: { path, folder } },
    );
  }
  const labels = files.map((file) => labelOf.get(file.slice(0, file.indexOf("/")))!);
  return { labels, classes };
}

async function labelsByTable(path: string, found: Found, csv: string, options: FolderOptions) {
  const table = await readLabelsCsv(csv, options);
  return { labels: labelsFor(table, csv, path, found.files), classes: table.classes };
}
