/** Heads that give all boxes in one tensor of three dimensions. */
import type { TensorData, ValueInfo } from "@cupel/runtime";
import type { Size } from "@cupel/vision";
import { areNames, numbersOf } from "../written/output-numbers.ts";
import { gridOf } from "./grids.ts";
import type { Head, HeadModel, HeadReader } from "./head.ts";
import { decodedGrid, finishedRows, type Rows, rowsOf, scoredRows } from "./rows.ts";
import type { Candidate } from "./suppress.ts";

/** Boxes that a head keeps after suppression: 300 as a rule; a table of grid cells has thousands. */
const mostFinished = 1000;

/** Values of a row behind the scores, by ultralytics' task: mask coefficients, key points. They are not read. */
const tasksWithBoxes: readonly string[] = ["detect", "segment", "pose"];

interface Table {
  readonly name: string;
  /** Null where the shape leaves it open. */
  readonly first: number | null;
  readonly second: number | null;
}

const sizeOf = (dim: number | string | undefined): number | null =>
  typeof dim === "number" && dim > 0 ? dim : null;

function tableOf(output: ValueInfo | undefined): Table | null {
  if (output?.dims.length !== 3 || areNames(output)) return null;
  return { name: output.name, first: sizeOf(output.dims[1]), second: sizeOf(output.dims[2]) };
}

function reader(
  { name }: Table,
  told: Pick<HeadReader, "sentence" | "classes" | "overlaps">,
  transposed: boolean,
  read: (rows: Rows, tensor: Size) => Candidate[],
): HeadReader {
  return {
    ...told,
    fetches: [name],
    read: ([output], image, tensor) => read(rowsIn(output!, image, transposed), tensor),
  };
}

/** An output is read image after image: its numbers are widened once. */
const widened = new WeakMap<TensorData, ArrayLike<number>>();

function rowsIn(output: TensorData, image: number, transposed: boolean): Rows {
  const values = widened.get(output) ?? numbersOf(output);
  widened.set(output, values);
  return rowsOf(values, output.dims, image, transposed);
}

const shape = ({ first, second }: Table) => `[N, ${first ?? "?"}, ${second ?? "?"}]`;

/** `[N, boxes, 6]`: YOLO v10, v26 and exports with their own suppression. */
const finished: Head = {
  name: "finished rows",
  recognise({ outputs, classes, ultralytics, tensor }) {
    const table = tableOf(outputs[0]);
    if (table === null || table.second === null) return null;
    const { first } = table;
    const isTold = ultralytics?.suppressed === true && tasksWithBoxes.includes(ultralytics.task);
    const isGrid = first !== null && tensor !== null && gridOf(first, tensor) !== null;
    const isUsual =
      ultralytics === null && table.second === 6 && first !== null && first <= mostFinished && !isGrid;
    if (!(isTold ? table.second >= 6 : isUsual)) return null;
    const sentence = `boxes without overlaps, ${shape(table)}: two corners, score and class a row (YOLO v10, or with its own suppression)`;
    return reader(table, { sentence, classes, overlaps: false }, false, finishedRows);
  },
};

/** `[N, 4 + classes, boxes]`: YOLO v8 to v12. */
const columns: Head = {
  name: "columns without objectness",
  recognise(model) {
    const table = tableOf(model.outputs[0]);
    if (table === null || table.first === null || table.first < 5) return null;
    const { first, second } = table;
    if (!isTableOfBoxes(model, second) || (second !== null && second <= first)) return null;
    const classes = classesWithin(model, first - 4);
    if (classes === null) return null;
    const extra = first - 4 - classes;
    const sentence =
      `boxes of a YOLO v8 to v12, ${shape(table)}: middle, sides and ${classes} class scores a column, no objectness` +
      (extra > 0 ? `; ${extra} more numbers a box are not read` : "");
    const format = { form: "centre", objectness: false, classes } as const;
    return reader(table, { sentence, classes, overlaps: true }, true, (rows, tensor) =>
      scoredRows(rows, format, tensor),
    );
  },
};

/** `[N, boxes, 5 + classes]`: YOLO v3 to v7 with anchors, YOLOX without; or `[N, boxes, 4 + classes]`. */
const rows: Head = {
  name: "rows",
  recognise(model) {
    const table = tableOf(model.outputs[0]);
    if (table === null || table.second === null || table.second < 5) return null;
    const { first, second } = table;
    if (!isTableOfBoxes(model, first) || (first !== null && first <= second)) return null;
    const named = model.classes;
    const isTransposed = second === 5 || (named !== null ? named === second - 4 : isUltralyticsRows(model));
    const objectness = !isTransposed;
    const classes = second - (objectness ? 5 : 4);
    if (named !== null && named !== classes) return null;
    const grid = first === null || model.tensor === null ? null : gridOf(first, model.tensor);
    const isGrid = grid?.anchors === 1 && objectness;
    const kind = isGrid
      ? "an anchor-free YOLOX"
      : objectness
        ? "a YOLO v3 to v7"
        : "a YOLO without objectness";
    const sentence =
      `boxes of ${kind}, ${shape(table)}: middle, sides, ${objectness ? "objectness " : ""}and ` +
      `${classes} class scores a row`;
    const format = { form: "centre", objectness, classes } as const;
    return reader(table, { sentence, classes, overlaps: true }, false, (own, tensor) =>
      scoredRows(isGrid ? decodedGrid(own, grid.strides, tensor) : own, format, tensor),
    );
  },
};

/** RT-DETR as ultralytics exports it gives rows of four and the classes. */
function isUltralyticsRows({ ultralytics }: HeadModel): boolean {
  return ultralytics !== null;
}

/** Whether so many boxes are those of a detector: as told, or as many as the grids of the input have cells. */
function isTableOfBoxes({ ultralytics, classes, tensor }: HeadModel, boxes: number | null): boolean {
  if (ultralytics !== null) return tasksWithBoxes.includes(ultralytics.task);
  if (boxes === null) return classes !== null;
  return tensor !== null && gridOf(boxes, tensor) !== null;
}

/** Of the numbers behind a box; null where they are fewer than the named classes, or more for no known reason. */
function classesWithin({ classes, ultralytics }: HeadModel, numbers: number): number | null {
  if (classes === null || classes === numbers) return numbers;
  return ultralytics !== null && classes < numbers ? classes : null;
}

export const rowHeads: readonly Head[] = [finished, columns, rows];
