/** The maps that a model makes of a source of images, and how far they lie on the masks that people drew. */
import { type ImageSource, type Mask, type Preprocessing, visionErrors } from "@cupel/vision";
import { createKeptValues, type KeptValues } from "../features/kept-values.ts";
import type { EvaluatedImages, TaskEvaluation } from "../task/task.ts";
import type { ClassMap } from "./class-map.ts";
import { mapPixels } from "./map-pixels.ts";
import { maskLabels } from "./mask-labels.ts";
import { type ClassPixels, emptyPixels, type Overlap, overlapOf, settled, unsaidValue } from "./overlap.ts";

export interface SegmentationEvaluation extends EvaluatedImages {
  /** For each of `indices`; null for those that came after 256 MiB were kept. */
  readonly maps: KeptValues<ClassMap>["all"];
  /** For each of `indices`, null where it has no mask; null without masks. */
  readonly pixels: readonly (ClassPixels | null)[] | null;
  /** Against all masks; null without them. */
  readonly overlap: Overlap | null;
}

export interface MapEvaluationOptions {
  /** In the order of the classes; null where nobody names them. */
  readonly names: readonly string[] | null;
  readonly preprocessing: Preprocessing;
  /** Of masks; null for none. */
  readonly folder: string | null;
}

export function evaluateMaps(
  images: ImageSource,
  { names, preprocessing, folder }: MapEvaluationOptions,
): TaskEvaluation<ClassMap, SegmentationEvaluation> {
  const masks = folder === null ? null : maskLabels(images, folder);
  const indices: number[] = [];
  const kept = createKeptValues<ClassMap>(({ classes }) => classes.byteLength);
  const pixels: (ClassPixels | null)[] = [];
  let [cut, all] = [0, 0];
  let classCount: number | null = null;
  return {
    async add(index, map) {
      indices.push(index);
      kept.add(() => map, map);
      classCount = map.classCount;
      const mask = (await masks?.of(index, map.image)) ?? null;
      const counted = mask && countPixels(map, mask, preprocessing, images.id(index));
      pixels.push(counted?.pixels ?? null);
      cut += counted?.cut ?? 0;
      all += mask?.classes.length ?? 0;
    },
    result(unreadable) {
      const common = { indices, unreadable, maps: kept.all };
      if (masks === null) return { ...common, pixels: null, overlap: null };
      const measured = settled(
        pixels.filter((each) => each !== null),
        classCount,
      );
      const told = { of: indices.length, cutOff: all === 0 ? 0 : cut / all };
      const next = measured.values();
      return {
        ...common,
        pixels: pixels.map((each) => each && (next.next().value ?? null)),
        overlap: overlapOf(measured, names, told),
      };
    },
  };
}

/** Pixels of the image, in which the mask is drawn. @throws LABELS_MISMATCH for a class that the model does not have */
function countPixels(map: ClassMap, mask: Mask, preprocessing: Preprocessing, id: string) {
  const { columns, rows } = mapPixels(preprocessing, map);
  const pixels = emptyPixels(
    1 + Math.max((map.classCount ?? 1) - 1, highest(map.classes), highest(mask.classes)),
  );
  let cut = 0;
  for (const [y, row] of rows.entries()) {
    for (const [x, column] of columns.entries()) {
      if (row < 0 || column < 0) {
        cut++;
        continue;
      }
      const found = map.classes[row * map.width + column]!;
      const label = mask.classes[y * mask.width + x]!;
      const isUnsaid = label === unsaidValue && label >= (map.classCount ?? unsaidValue);
      if (isUnsaid) {
        pixels.unsaid[found]! += 1;
        continue;
      }
      if (map.classCount !== null && label >= map.classCount) throw unknownClass(id, label, map.classCount);
      pixels.labelled[label]! += 1;
      pixels.predicted[found]! += 1;
      if (found === label) pixels.both[label]! += 1;
    }
  }
  return { pixels, cut };
}

function highest(classes: Iterable<number>): number {
  let most = 0;
  for (const each of classes) most = Math.max(most, each);
  return most;
}

function unknownClass(id: string, label: number, classes: number) {
  return visionErrors.error(
    "LABELS_MISMATCH",
    `The mask of ${id} has the class ${label}, but the model tells ${classes} apart (0 to ${classes - 1}; ${unsaidValue} stands for a pixel that does not count). ` +
      "Give masks in the numbers of the model's classes.",
    { details: { image: id, label, classes } },
  );
}
