/**
 * Boxes that lie in one tensor, a row or a column each: four numbers of the box, perhaps whether there is
 * anything (objectness), and one score a class or a score and a class.
 */
import type { Size } from "@cupel/vision";
import { type BoxForm, boxForms, leastScore, scaled, unitOf } from "./head.ts";
import type { Candidate } from "./suppress.ts";

export interface Rows {
  readonly values: ArrayLike<number>;
  readonly count: number;
  /** Place of the first number of row `row`, and the step to the next number of the row. */
  at(row: number): number;
  readonly step: number;
}

/** Rows of one image in `[N, rows, columns]`, or in `[N, columns, rows]` where `transposed`. */
export function rowsOf(
  values: ArrayLike<number>,
  dims: readonly number[],
  image: number,
  transposed: boolean,
): Rows {
  const [, first = 0, second = 0] = dims;
  const base = image * first * second;
  return transposed
    ? { values, count: second, at: (row) => base + row, step: second }
    : { values, count: first, at: (row) => base + row * second, step: 1 };
}

function* coordinatesOf({ values, count, at, step }: Rows): Generator<number> {
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < 4; i++) yield values[at(row) + i * step]!;
  }
}

/** One score a class, multiplied with the objectness where there is one. Every class that scores is a box of its own. */
export function scoredRows(
  rows: Rows,
  { form, objectness, classes }: { form: BoxForm; objectness: boolean; classes: number },
  tensor: Size,
): Candidate[] {
  const { values, count, at, step } = rows;
  const unit = unitOf(coordinatesOf(rows), tensor);
  const first = objectness ? 5 : 4;
  const found: Candidate[] = [];
  for (let row = 0; row < count; row++) {
    const from = at(row);
    const thing = objectness ? values[from + 4 * step]! : 1;
    if (!(thing >= leastScore)) continue;
    for (let classIndex = 0; classIndex < classes; classIndex++) {
      const score = thing * values[from + (first + classIndex) * step]!;
      if (!(score >= leastScore)) continue;
      const number = (i: number): number => values[from + i * step]!;
      const box = boxForms[form](number(0), number(1), number(2), number(3));
      found.push({ ...scaled(box, unit), classIndex, score });
    }
  }
  return found;
}

/** Two corners, a score and a class: what is left after suppression. */
export function finishedRows(rows: Rows, tensor: Size): Candidate[] {
  const { values, count, at, step } = rows;
  const unit = unitOf(coordinatesOf(rows), tensor);
  const found: Candidate[] = [];
  for (let row = 0; row < count; row++) {
    const number = (i: number): number => values[at(row) + i * step]!;
    const score = number(4);
    if (!(score >= leastScore)) continue;
    const box = boxForms.corners(number(0), number(1), number(2), number(3));
    found.push({ ...scaled(box, unit), classIndex: Math.round(number(5)), score });
  }
  return found;
}

/**
 * Rows of a grid whose boxes are still relative to their cells, as YOLOX is exported: the middle in cells from
 * the cell's corner, the logarithm of the sides in cells. Told by a negative side, which no decoded box has.
 */
export function decodedGrid(rows: Rows, strides: readonly number[], { width, height }: Size): Rows {
  const { values, count, at, step } = rows;
  const sides = (row: number) => [values[at(row) + 2 * step]!, values[at(row) + 3 * step]!];
  let isRelative = false;
  for (let row = 0; row < count && !isRelative; row++) isRelative = sides(row).some((side) => side < 0);
  if (!isRelative) return rows;
  const columns = step === 1 && count > 1 ? at(1) - at(0) : values.length / count;
  const decoded = new Float32Array(count * columns);
  let row = 0;
  for (const stride of strides) {
    for (let y = 0; y < Math.ceil(height / stride); y++) {
      for (let x = 0; x < Math.ceil(width / stride); x++, row++) {
        for (let i = 0; i < columns; i++) decoded[row * columns + i] = values[at(row) + i * step]!;
        const [wide = 0, tall = 0] = sides(row);
        decoded[row * columns] = (values[at(row)]! + x) * stride;
        decoded[row * columns + 1] = (values[at(row) + step]! + y) * stride;
        decoded[row * columns + 2] = Math.exp(wide) * stride;
        decoded[row * columns + 3] = Math.exp(tall) * stride;
      }
    }
  }
  return { values: decoded, count, at: (each) => each * columns, step: 1 };
}
