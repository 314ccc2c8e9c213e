/**
 * Labels in COCO's form (https://cocodataset.org/#format-data): one JSON file with `images`, `categories`, and
 * `annotations` whose `bbox` is left, top, width and height in pixels. An image of a source is that whose
 * `file_name` is its path, or ends like it.
 */

import { readRegular, reasonOf } from "@cupel/base";
import { type ImageSource, type Size, visionErrors } from "@cupel/vision";
import type { LabelledBox } from "./average-precision.ts";
import type { BoxLabels } from "./box-labels.ts";

interface CocoImage {
  readonly size: Size;
  readonly boxes: LabelledBox[];
}

interface CocoFile {
  /** By `file_name`. */
  readonly images: ReadonlyMap<string, CocoImage>;
  /** By the last part of `file_name`; null where several images have it. */
  readonly byBaseName: ReadonlyMap<string, CocoImage | null>;
  readonly names: readonly string[];
}

export function cocoLabels(images: ImageSource, path: string): BoxLabels {
  let file: Promise<CocoFile> | null = null;
  return {
    async of(index, { width, height }) {
      file ??= readCoco(path);
      const found = imageNamed(await file, images.id(index));
      if (found === null) return null;
      // The file may be of the images as they were before somebody made them smaller.
      const [across, down] = [width / found.size.width, height / found.size.height];
      return found.boxes.map(({ left, top, right, bottom, ...box }) => ({
        ...box,
        left: left * across,
        top: top * down,
        right: right * across,
        bottom: bottom * down,
      }));
    },
    names: async () => (file === null ? null : (await file).names),
  };
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

function imageNamed({ images, byBaseName }: CocoFile, id: string): CocoImage | null {
  const name = id.replaceAll("\\", "/");
  return images.get(name) ?? byBaseName.get(baseName(name)) ?? null;
}

/** @throws LABEL_FILE_MISSING, IMAGE_SOURCE_DAMAGED */
async function readCoco(path: string): Promise<CocoFile> {
  let text: string;
  try {
    text = (await readRegular(path)).toString();
  } catch (thrown) {
    throw visionErrors.error("LABEL_FILE_MISSING", `${path} cannot be read: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { path },
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw damaged(path, `is not JSON: ${reasonOf(thrown)}`, thrown);
  }
  return filedBy(path, value);
}

function filedBy(path: string, value: unknown): CocoFile {
  const categories = listIn(path, value, "categories").map((each, i) => {
    const { id, name } = record(each);
    if (typeof id === "number" && typeof name === "string") return { id, name };
    throw damaged(path, `has no number "id" and text "name" in categories[${i}]`);
  });
  const classOf = new Map([...categories].sort((a, b) => a.id - b.id).map(({ id }, at) => [id, at]));
  const images = new Map<string, CocoImage>();
  const byId = new Map<unknown, CocoImage>();
  const byBaseName = new Map<string, CocoImage | null>();
  for (const [i, each] of listIn(path, value, "images").entries()) {
    const { id, file_name: name, width, height } = record(each);
    if (typeof name !== "string" || !isSide(width) || !isSide(height)) {
      throw damaged(path, `has no "file_name", "width" and "height" in images[${i}]`);
    }
    const image = { size: { width, height }, boxes: [] };
    const file = name.replaceAll("\\", "/");
    images.set(file, image);
    byId.set(id, image);
    byBaseName.set(baseName(file), byBaseName.has(baseName(file)) ? null : image);
  }
  for (const [i, each] of listIn(path, value, "annotations").entries()) {
    const { image_id: id, category_id: category, bbox, iscrowd } = record(each);
    const image = byId.get(id);
    const classIndex = typeof category === "number" ? classOf.get(category) : undefined;
    if (!Array.isArray(bbox) || bbox.length !== 4 || !bbox.every(Number.isFinite)) {
      throw damaged(path, `has no "bbox" of four numbers in annotations[${i}]`);
    }
    if (image === undefined || classIndex === undefined) {
      throw damaged(path, `has an image or a category in annotations[${i}] that it does not list`);
    }
    const [left, top, width, height]: number[] = bbox;
    image.boxes.push({
      classIndex,
      isCrowd: iscrowd === 1 || iscrowd === true,
      left: left!,
      top: top!,
      right: left! + width!,
      bottom: top! + height!,
    });
  }
  const names = [...categories].sort((a, b) => a.id - b.id).map(({ name }) => name);
  return { images, byBaseName, names };
}

const isSide = (value: unknown): value is number => typeof value === "number" && value > 0;

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function listIn(path: string, value: unknown, key: string): readonly unknown[] {
  const list = record(value)[key];
  if (Array.isArray(list)) return list;
  throw damaged(path, `has no list "${key}"`);
}

function damaged(path: string, problem: string, cause?: unknown) {
  return visionErrors.error(
    "IMAGE_SOURCE_DAMAGED",
    `${path} ${problem}. Expected COCO's annotations: images, categories and annotations with a bbox.`,
    { cause, details: { path } },
  );
}
