/** What a detector sees in an image: boxes in pixels of the image itself, whatever was done to make a tensor of it. */
import { type Placement, type Size, toImage } from "@cupel/vision";
import type { Box } from "./box.ts";
import type { Candidate } from "./suppress.ts";

/** Edges in pixels of the upright image, within it. */
export interface DetectedBox extends Box {
  readonly classIndex: number;
  /** Null when nobody names the classes. */
  readonly className: string | null;
  /** 0 to 1. */
  readonly score: number;
}

export interface DetectionPrediction {
  /**
   * From the highest score down, overlapping ones of a class left out; down to a score of 0.001, which mean
   * average precision is measured with. `toldBoxes` are those worth telling.
   */
  readonly boxes: readonly DetectedBox[];
  /** Of the image, upright. */
  readonly size: Size;
}

/** Boxes that score less are kept for measuring and not told: as YOLO's tools predict. */
export const leastTold = 0.25;

/** @param least score, 0 to 1. */
export function toldBoxes({ boxes }: DetectionPrediction, least = leastTold): readonly DetectedBox[] {
  return boxes.filter(({ score }) => score >= least);
}

/** From the tensor to the image. Boxes that lie in the padding alone are left out. */
export function predictionOf(
  candidates: readonly Candidate[],
  placement: Placement,
  classes: readonly string[] | null,
): DetectionPrediction {
  const { image } = placement;
  const within = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
  const boxes = candidates.map(({ left, top, right, bottom, classIndex, score }) => {
    const first = toImage(placement, { x: left, y: top });
    const last = toImage(placement, { x: right, y: bottom });
    return {
      classIndex,
      className: classes?.[classIndex] ?? null,
      score,
      left: within(first.x, image.width),
      top: within(first.y, image.height),
      right: within(last.x, image.width),
      bottom: within(last.y, image.height),
    };
  });
  return { boxes: boxes.filter(({ left, right, top, bottom }) => left < right && top < bottom), size: image };
}
