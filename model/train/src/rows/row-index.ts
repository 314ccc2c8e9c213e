/**
 * Which row a window reads. In the layout of rows a picture batch is a matrix, one row a pixel and one
 * column a channel; then a convolution gathers whole rows (a copy at the speed of memory) and multiplies
 * matrices, where the layout with channels first would move single numbers.
 *
 * Rows are numbered picture by picture, line by line. The number after the last row stands for padding:
 * the caller appends a row there (zeros for a convolution).
 */
import type { Window } from "../gradient/window.ts";

export interface RowIndex {
  /** Row numbers, `perRow` of them for each row made. */
  readonly rows: Int32Array;
  readonly perRow: number;
}

const count = (sizes: readonly number[]): number => sizes.reduce((total, size) => total * size, 1);

/** For each output of the window, the inputs under its taps, in the order of the kernel's elements. */
export function windowRows(window: Window, batch: number): RowIndex {
  const { kernel, sizes, outputs } = window;
  const taps = count(kernel);
  return {
    perRow: taps,
    rows: index(
      batch,
      outputs,
      sizes,
      taps,
      (at, tap, axis) => {
        return at * window.strides[axis]! - window.begins[axis]! + tap * window.dilations[axis]!;
      },
      kernel,
    ),
  };
}

/**
 * For each input, the outputs whose window had it under each tap, in the same order. Only for stride 1:
 * with longer strides most taps reach no output, and `scatterRows` serves better.
 */
export function adjointRows(window: Window, batch: number): RowIndex {
  const { kernel, sizes, outputs } = window;
  const taps = count(kernel);
  return {
    perRow: taps,
    rows: index(
      batch,
      sizes,
      outputs,
      taps,
      (at, tap, axis) => {
        return at + window.begins[axis]! - tap * window.dilations[axis]!;
      },
      kernel,
    ),
  };
}

/**
 * For each input, the pairs (output, tap) that touch it, numbered `output * taps + tap`: where to find the
 * summands of the adjoint among rows that were computed pair by pair. Inputs that fewer pairs touch are
 * filled up with the row of padding.
 */
export function scatterRows(window: Window, batch: number): RowIndex {
  const forward = windowRows(window, batch);
  const inputs = batch * count(window.sizes);
  const pairs = forward.rows.length;
  const used = new Int32Array(inputs);
  for (const row of forward.rows) if (row < inputs) used[row]!++;
  const perRow = Math.max(
    1,
    used.reduce((most, each) => Math.max(most, each), 0),
  );
  const rows = new Int32Array(inputs * perRow).fill(pairs);
  used.fill(0);
  for (let pair = 0; pair < pairs; pair++) {
    const row = forward.rows[pair]!;
    if (row < inputs) rows[row * perRow + used[row]!++] = pair;
  }
  return { rows, perRow };
}

/** @param position of the row read along an axis, for place `at` of the row made and `tap` of the kernel */
function index(
  batch: number,
  made: readonly number[],
  read: readonly number[],
  taps: number,
  position: (at: number, tap: number, axis: number) => number,
  kernel: readonly number[],
): Int32Array {
  const places = count(made);
  const perPicture = count(read);
  const padding = batch * perPicture;
  // One picture's index first; the others are the same, moved on.
  const local = new Int32Array(places * taps);
  for (let place = 0; place < places; place++) {
    for (let tap = 0; tap < taps; tap++) {
      local[place * taps + tap] = rowOf(place, tap);
    }
  }
  const rows = new Int32Array(batch * local.length);
  for (let picture = 0; picture < batch; picture++) {
    const from = picture * local.length;
    const shift = picture * perPicture;
    for (let i = 0; i < local.length; i++) {
      rows[from + i] = local[i]! < 0 ? padding : local[i]! + shift;
    }
  }
  return rows;

  function rowOf(place: number, tap: number): number {
    let row = 0;
    let stride = 1;
    for (let axis = made.length - 1; axis >= 0; axis--) {
      const at = place % made[axis]!;
      const step = tap % kernel[axis]!;
      place = (place - at) / made[axis]!;
      tap = (tap - step) / kernel[axis]!;
      const found = position(at, step, axis);
      if (found < 0 || found >= read[axis]!) return -1;
      row += found * stride;
      stride *= read[axis]!;
    }
    return row;
  }
}
