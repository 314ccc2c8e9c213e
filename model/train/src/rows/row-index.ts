/**
 * Which row a window reads. In the layout of rows an image batch is a matrix, one row a pixel and one
 * column a channel; then a convolution gathers whole rows (a copy at the speed of memory) and multiplies
 * matrices, where the layout with channels first would move single numbers.
 *
 * Rows are numbered image by image, line by line. The number after the last row stands for padding:
 * whoever gathers appends a row of zeros there. An index has the same count of numbers for each row made.
 */
import { elementCount } from "@cupel/base";
import type { Dims } from "@cupel/onnx";
import type { Window } from "../gradient/window.ts";

/** For each output of the window, the inputs under its taps, in the order of the kernel's elements. */
export function windowRows(window: Window, batch: number): Int32Array {
  const { strides, begins, dilations } = window;
  return rowsUnder(window.kernel, batch, window.outputs, window.sizes, (at, tap, axis) => {
    return at * strides[axis]! - begins[axis]! + tap * dilations[axis]!;
  });
}

/**
 * For each input, the outputs whose window had it under each tap, in the same order. Only for stride 1:
 * with longer strides most taps reach no output, and `scatterRows` serves better.
 */
export function adjointRows(window: Window, batch: number): Int32Array {
  const { begins, dilations } = window;
  return rowsUnder(window.kernel, batch, window.sizes, window.outputs, (at, tap, axis) => {
    return at + begins[axis]! - tap * dilations[axis]!;
  });
}

/**
 * For each input, the pairs (output, tap) that touch it, numbered `output * taps + tap`: where to find the
 * summands of the adjoint among rows that were computed pair by pair. Inputs that fewer pairs touch are
 * filled up with the row of padding.
 */
export function scatterRows(window: Window, batch: number): Int32Array {
  const forward = windowRows(window, batch);
  const inputs = batch * elementCount(window.sizes);
  const pairs = forward.length;
  const used = new Int32Array(inputs);
  for (const row of forward) if (row < inputs) used[row]!++;
  const perRow = used.reduce((most, each) => Math.max(most, each), 1);
  const rows = new Int32Array(inputs * perRow).fill(pairs);
  used.fill(0);
  for (let pair = 0; pair < pairs; pair++) {
    const row = forward[pair]!;
    if (row < inputs) rows[row * perRow + used[row]!++] = pair;
  }
  return rows;
}

/**
 * One image's index is computed; the others are the same, moved on.
 * @param made sizes along the axes of what is made, `read` of what is read
 * @param position of the row read along an axis, for place `at` of the row made and `tap` of the kernel
 */
function rowsUnder(
  kernel: Dims,
  batch: number,
  made: Dims,
  read: Dims,
  position: (at: number, tap: number, axis: number) => number,
): Int32Array {
  /** Within one image; -1 in the padding. */
  const rowOf = (place: number, tap: number): number => {
    let [restOfPlace, restOfTap, row, stride] = [place, tap, 0, 1];
    for (let axis = made.length - 1; axis >= 0; axis--) {
      const at = restOfPlace % made[axis]!;
      const step = restOfTap % kernel[axis]!;
      restOfPlace = (restOfPlace - at) / made[axis]!;
      restOfTap = (restOfTap - step) / kernel[axis]!;
      const found = position(at, step, axis);
      if (found < 0 || found >= read[axis]!) return -1;
      row += found * stride;
      stride *= read[axis]!;
    }
    return row;
  };
  const taps = elementCount(kernel);
  const local = Int32Array.from({ length: elementCount(made) * taps }, (_, i) =>
    rowOf(Math.floor(i / taps), i % taps),
  );
  const perImage = elementCount(read);
  const rows = new Int32Array(batch * local.length);
  for (let i = 0; i < rows.length; i++) {
    const row = local[i % local.length]!;
    rows[i] = row < 0 ? batch * perImage : row + Math.floor(i / local.length) * perImage;
  }
  return rows;
}
