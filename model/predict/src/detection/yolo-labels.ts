/**
 * Labels in YOLO's form (https://docs.ultralytics.com/datasets/detect): a .txt for each image, a line for each thing,
 * its class and then x and y of the middle, width and height as shares of the sides, or the corners of an outline. It
 * lies in `labels/` where the image lies in `images/`, else beside the image. A `data.yaml` above names the classes.
 */
import { readdir } from "node:fs/promises";
import { dirname, join, parse as parsePath, sep } from "node:path";
import { readRegular, reasonOf } from "@cupel/base";
import { type ImageSource, type Size, visionErrors } from "@cupel/vision";
import { parse } from "yaml";
import { namesOf } from "../file/ultralytics-metadata.ts";
import type { LabelledBox } from "./average-precision.ts";
import type { BoxLabels } from "./box-labels.ts";

/** Folders above the labels in which `data.yaml` is looked for. */
const levelsUp = 4;

export function yoloLabels(images: ImageSource, folder: string | null): BoxLabels {
  let names: Promise<readonly string[] | null> | null = null;
  return {
    async of(index, size) {
      for (const path of await placesOf(images, index, folder)) {
        const text = await textAt(path);
        if (text === null) continue;
        names ??= namesAbove(dirname(path));
        return boxesOf(text, path, size);
      }
      return null;
    },
    names: async () => await names,
  };
}

async function placesOf(images: ImageSource, index: number, folder: string | null): Promise<string[]> {
  if (folder !== null) {
    const { dir, name } = parsePath(images.id(index));
    return [join(folder, dir, `${name}.txt`), join(folder, `${name}.txt`)];
  }
  const image = await images.image(index);
  if (image.kind !== "file") return [];
  const { dir, name } = parsePath(image.path);
  const parts = dir.split(sep);
  const at = parts.lastIndexOf("images");
  const beside = join(dir, `${name}.txt`);
  return at < 0 ? [beside] : [join([...parts.with(at, "labels")].join(sep), `${name}.txt`), beside];
}

async function textAt(path: string): Promise<string | null> {
  try {
    return (await readRegular(path)).toString();
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw visionErrors.error("LABEL_FILE_MISSING", `${path} cannot be read: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { path },
    });
  }
}

function isMissing(thrown: unknown): boolean {
  return (
    thrown instanceof Error && "code" in thrown && (thrown.code === "ENOENT" || thrown.code === "ENOTDIR")
  );
}

/** @throws IMAGE_SOURCE_DAMAGED */
function boxesOf(text: string, path: string, size: Size): LabelledBox[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    if (line.trim() === "") return [];
    const [classIndex = Number.NaN, ...numbers] = line.trim().split(/\s+/).map(Number);
    const box = numbers.every(Number.isFinite) ? edgesOf(numbers) : null;
    if (box !== null && Number.isInteger(classIndex) && classIndex >= 0) {
      const [left, top, right, bottom] = box;
      return {
        classIndex,
        isCrowd: false,
        left: left * size.width,
        top: top * size.height,
        right: right * size.width,
        bottom: bottom * size.height,
      };
    }
    throw visionErrors.error(
      "IMAGE_SOURCE_DAMAGED",
      `Line ${i + 1} of ${path} is ${JSON.stringify(line.slice(0, 60))}. Expected a class and the four numbers of a box, shares of the sides, such as 0 0.5 0.5 0.2 0.1.`,
      { details: { path, line: i + 1 } },
    );
  });
}

/** Left, top, right and bottom; of an outline the box around it. Null where there are fewer numbers than a box has. */
function edgesOf(numbers: readonly number[]): [number, number, number, number] | null {
  if (numbers.length >= 6 && numbers.length % 2 === 0) {
    let [left, top, right, bottom] = [numbers[0]!, numbers[1]!, numbers[0]!, numbers[1]!];
    for (let i = 0; i < numbers.length; i += 2) {
      const [x, y] = [numbers[i]!, numbers[i + 1]!];
      [left, top] = [Math.min(left, x), Math.min(top, y)];
      [right, bottom] = [Math.max(right, x), Math.max(bottom, y)];
    }
    return [left, top, right, bottom];
  }
  if (numbers.length < 4) return null;
  const [x = 0, y = 0, width = 0, height = 0] = numbers;
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}

async function namesAbove(labels: string): Promise<readonly string[] | null> {
  let folder = labels;
  for (let level = 0; level < levelsUp; level++, folder = dirname(folder)) {
    const entries = (await readdir(folder)).filter((name) => /\.ya?ml$/i.test(name)).sort();
    const first = entries.filter((name) => /^data\.ya?ml$/i.test(name));
    for (const name of new Set([...first, ...entries])) {
      const names = await namesIn(join(folder, name));
      if (names !== null) return names;
    }
  }
  return null;
}

/** @throws LABEL_FILE_MISSING */
async function namesIn(path: string): Promise<readonly string[] | null> {
  const text = (await readRegular(path)).toString();
  try {
    const value: unknown = parse(text, { logLevel: "silent", maxAliasCount: 100 });
    return typeof value === "object" && value !== null && "names" in value ? namesOf(value.names) : null;
  } catch (thrown) {
    throw visionErrors.error("LABEL_FILE_MISSING", `${path} is not YAML: ${reasonOf(thrown)}.`, {
      cause: thrown,
      details: { path },
    });
  }
}
