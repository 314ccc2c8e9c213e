/**
 * Boxes from what a classifier says of the windows of a picture. A classifier says that a thing is in the middle of a
 * window, and says so of the windows around as well, less and less; it does not say how large the thing is. So:
 *
 *   score of a class at a window  = the mean of its probability there and of the mean over the windows whose middles are
 *                                   within an eighth of the window's side: one window alone is believed by half
 *   middle of the box             = the mean of the middles within a quarter of the side, weighted by the probability
 *   size of the box               = a share of the window, which the caller gives for each class
 *
 * Every window whose best class, the background left out, scores the threshold is a candidate; of candidates that
 * overlap, whatever their classes, the one with the highest score stays. Pure.
 */
import type { Size } from "@cupel/vision";
import { type Candidate, suppress, suppressionDefaults } from "../detection/suppress.ts";
import type { WindowGrid } from "./window-grid.ts";

export interface ScoredWindows {
  readonly grid: WindowGrid;
  /** Of each window, row by row, `classes` of them. */
  readonly probabilities: Float32Array;
  readonly classes: number;
  /** Pixels of the scaled picture to one of the picture. */
  readonly scale: { readonly x: number; readonly y: number };
}

export interface WindowBoxOptions {
  /** Least score, 0 to 1. */
  readonly threshold: number;
  /** The class of windows in which there is nothing; null where the model has none. */
  readonly background: number | null;
  /** Of the window's sides, by class. */
  readonly shares: readonly number[];
}

/** Middles this near are averaged, and these weigh in the middle of a box: shares of the window's side. */
const averagedWithin = 1 / 8;
const centredWithin = 1 / 4;

/** Boxes of one class are all of one size: two that overlap by so little are the same thing twice. */
const suppression = { ...suppressionDefaults, iou: 0.1 };

/** From the highest score down, in pixels of the picture. */
export function windowBoxes(all: readonly ScoredWindows[], options: WindowBoxOptions): Candidate[] {
  const found = all.flatMap((windows) => candidatesOf(windows, options));
  // As if of one class: what is told twice is told once, under the better name.
  const rivals = found.map((candidate) => ({ ...candidate, classIndex: 0, told: candidate.classIndex }));
  return suppress(rivals, suppression).map(({ told, ...box }) => ({ ...box, classIndex: told }));
}

function candidatesOf(
  windows: ScoredWindows,
  { threshold, background, shares }: WindowBoxOptions,
): Candidate[] {
  const { grid, classes, probabilities, scale } = windows;
  const { columns, rows, window } = grid;
  const probability = (column: number, row: number, c: number): number =>
    probabilities[(row * columns.length + column) * classes + c]!;
  const possible = possibleClasses(windows, threshold).filter((c) => c !== background);
  const candidates: Candidate[] = [];
  for (const [row, top] of rows.entries()) {
    const near = within(rows, top, averagedWithin * window.height);
    for (const [column, left] of columns.entries()) {
      const beside = within(columns, left, averagedWithin * window.width);
      let [classIndex, score] = [-1, 0];
      for (const c of possible) {
        let sum = 0;
        for (let y = near.first; y <= near.last; y++) {
          for (let x = beside.first; x <= beside.last; x++) sum += probability(x, y, c);
        }
        const count = (near.last - near.first + 1) * (beside.last - beside.first + 1);
        // Probabilities of half precision may be a little more than 1.
        const believed = Math.min(1, (probability(column, row, c) + sum / count) / 2);
        if (believed > score) [classIndex, score] = [c, believed];
      }
      if (classIndex < 0 || score < threshold) continue;
      const middle = middleOf(grid, { column, row }, (x, y) => probability(x, y, classIndex));
      candidates.push({ classIndex, score, ...boxAt(middle, window, shares[classIndex]!, scale) });
    }
  }
  return candidates;
}

/** A score reaches the threshold only where a probability does: of a thousand classes few are left. */
function possibleClasses({ probabilities, classes }: ScoredWindows, threshold: number): number[] {
  const highest = new Float32Array(classes);
  for (let i = 0; i < probabilities.length; i += classes) {
    for (let c = 0; c < classes; c++) highest[c] = Math.max(highest[c]!, probabilities[i + c]!);
  }
  return [...highest.keys()].filter((c) => highest[c]! >= threshold);
}

interface Range {
  readonly first: number;
  readonly last: number;
}

/** Indices of those that are at most `distance` away, in ascending order. */
function within(places: readonly number[], at: number, distance: number): Range {
  const isNear = (place: number): boolean => Math.abs(place - at) <= distance;
  return { first: places.findIndex(isNear), last: places.findLastIndex(isNear) };
}

function middleOf(
  { columns, rows, window }: WindowGrid,
  at: { readonly column: number; readonly row: number },
  weight: (column: number, row: number) => number,
): { readonly x: number; readonly y: number } {
  const near = within(rows, rows[at.row]!, centredWithin * window.height);
  const beside = within(columns, columns[at.column]!, centredWithin * window.width);
  let [sum, sumX, sumY] = [0, 0, 0];
  for (let row = near.first; row <= near.last; row++) {
    for (let column = beside.first; column <= beside.last; column++) {
      const each = weight(column, row);
      sum += each;
      sumX += each * columns[column]!;
      sumY += each * rows[row]!;
    }
  }
  return { x: sumX / sum + window.width / 2, y: sumY / sum + window.height / 2 };
}

function boxAt(
  { x, y }: { readonly x: number; readonly y: number },
  { width, height }: Size,
  share: number,
  scale: ScoredWindows["scale"],
) {
  const [across, down] = [(share * width) / 2, (share * height) / 2];
  return {
    left: (x - across) / scale.x,
    top: (y - down) / scale.y,
    right: (x + across) / scale.x,
    bottom: (y + down) / scale.y,
  };
}
