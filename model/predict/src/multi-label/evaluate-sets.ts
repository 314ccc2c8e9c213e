/** The classes that a model tells of a source of images, measured against those that the images have. */
import type { ImageSource } from "@cupel/vision";
import type { LabelsBy } from "../labels/match-labels.ts";
import type { ModelClasses } from "../labels/model-classes.ts";
import type { EvaluatedImages, TaskEvaluation, TaskFigure } from "../task/task.ts";
import { type ClassSets, type SetLabels, setLabels } from "./set-labels.ts";
import { rankSets, type SetPrecision, setPrecision } from "./set-precision.ts";
import { leastScore } from "./threshold.ts";

export interface SetEvaluation extends EvaluatedImages {
  /** For each of `indices`: 0 to 1, one for each class. */
  readonly scores: readonly Float32Array[];
  /** For each of `indices`: 1 for each class that the image has, null where it has no label; null without labels. */
  readonly sets: readonly (Uint8Array | null)[] | null;
  readonly labelsBy: LabelsBy;
  /** Against all labels; null without them. */
  readonly precision: SetPrecision | null;
}

/** Where the number of classes is not known, the first prediction tells it. */
export function evaluateSets(
  images: ImageSource,
  { count, names }: ModelClasses,
  labels: SetLabels,
): TaskEvaluation<{ readonly scores: Float32Array }, SetEvaluation> {
  const indices: number[] = [];
  const all: Float32Array[] = [];
  let sets: Promise<ClassSets | null> | null = null;
  const found: (Uint8Array | null)[] = [];
  let labelsBy: LabelsBy = null;
  return {
    async add(index, { scores }) {
      sets ??= setLabels(images, { count: count ?? scores.length, names }, labels);
      const known = await sets;
      labelsBy = known?.by ?? null;
      indices.push(index);
      // A view would hold the outputs of a whole run.
      all.push(scores.slice());
      found.push(known?.sets[index] ?? null);
    },
    result(unreadable) {
      const common = { indices, unreadable, scores: all, labelsBy };
      const labelled = all.flatMap((scores, i) => {
        const set = found[i] ?? null;
        return set === null ? [] : [{ scores, set }];
      });
      if (labelled.length === 0) return { ...common, sets: null, precision: null };
      return { ...common, sets: found, precision: setPrecision(rankSets(labelled)) };
    },
  };
}

export function setFigures({ precision, sets }: SetEvaluation): TaskFigure[] {
  if (precision === null || sets === null) return [];
  const images = `${sets.filter((set) => set !== null).length} images`;
  const { meanAveragePrecision, classes, microF1 } = precision;
  return [
    ...figure("mAP", meanAveragePrecision, `${classes} classes in ${images}`),
    ...figure(microF1Name, microF1, images),
  ];
}

export const microF1Name = `micro F1 at ${leastScore}`;

function figure(name: string, value: number | null, of: string): TaskFigure[] {
  return value === null ? [] : [{ name, unit: "share", value, interval: null, of }];
}
