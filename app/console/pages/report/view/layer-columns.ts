/**
 * The columns of the layer table: what each shows, how it sorts, and what it means. A column is a row
 * here; the headings, tooltips, "How to read" list and the panel of one layer are all made from it.
 */
import type { LayerReport } from "@cupel/report";
import {
  bytesText,
  errorText,
  type Figure,
  figureText,
  fixedText,
  isFigure,
  MISSING,
  percentText,
} from "../../../shared/view/number-text.ts";

export type SortKey = string | number | null;

export interface LayerColumn {
  readonly id: string;
  /** Heading over several columns, empty for none. */
  readonly group: string;
  readonly title: string;
  /** What it is and how to judge it, for someone who never saw it. */
  readonly explanation: string;
  readonly numeric: boolean;
  /** Whether a first click shows the largest on top. */
  readonly descendingFirst: boolean;
  readonly key: (layer: LayerReport, index: number) => SortKey;
  readonly text: (layer: LayerReport, index: number) => string;
}

const textual = { group: "", numeric: false, descendingFirst: false } as const;
const numeric = { group: "", numeric: true, descendingFirst: true } as const;

const keyOf = (value: Figure): SortKey => (isFigure(value) ? value : null);

export const layerColumns: readonly LayerColumn[] = [
  {
    ...numeric,
    descendingFirst: false,
    id: "order",
    title: "No.",
    explanation: "Place in the order in which the layers run. Errors pass on to the layers below.",
    key: (_, index) => index,
    text: (_, index) => String(index + 1),
  },
  {
    ...textual,
    id: "name",
    title: "Layer",
    explanation:
      "Name of the layer's output in the original model. Both models' values at this point are compared.",
    key: (layer) => layer.name,
    text: (layer) => layer.name,
  },
  {
    ...textual,
    id: "operator",
    title: "Operator",
    explanation:
      "The operations that make the layer, as the ONNX format names them (BatchNorm is BatchNormalization).",
    key: (layer) => layer.operator,
    text: (layer) => layer.operator.replaceAll("BatchNormalization", "BatchNorm"),
  },
  {
    ...textual,
    id: "weights",
    title: "Weights",
    explanation:
      "Bits a weight takes in the file, and how they are laid out. FP32 is the untouched original; fewer bits are smaller and coarser.",
    key: (layer) => layer.weightBits,
    text: weightsText,
  },
  {
    ...numeric,
    id: "bytesBefore",
    group: "Size in file",
    title: "before",
    explanation: "Bytes of the layer's weights in the original file (1 MB is a million bytes).",
    key: (layer) => keyOf(layer.bytes.original),
    text: (layer) => bytesText(layer.bytes.original),
  },
  {
    ...numeric,
    id: "bytesAfter",
    group: "Size in file",
    title: "after",
    explanation: "Bytes of the same weights in the compressed file.",
    key: (layer) => keyOf(layer.bytes.compressed),
    text: (layer) => bytesText(layer.bytes.compressed),
  },
  {
    ...numeric,
    id: "errorMean",
    group: "Relative error",
    title: "mean",
    explanation:
      "How far each value differs from the original's, as a share of that value, on average. A few per cent is usual for 8 bits. Many values near zero make it large, which means little: compare it with SQNR.",
    key: (layer) => keyOf(layer.relativeError.mean),
    text: (layer) => errorText(layer.relativeError.mean),
  },
  {
    ...numeric,
    id: "errorPeak",
    group: "Relative error",
    title: "peak",
    explanation:
      "The largest relative error of any single value. Hundreds of per cent are usual where a value is near zero, and harmless where SQNR is high.",
    key: (layer) => keyOf(layer.relativeError.peak),
    text: (layer) => errorText(layer.relativeError.peak),
  },
  {
    ...numeric,
    id: "errorStd",
    group: "Relative error",
    title: "std",
    explanation: "Standard deviation of the relative error: how unevenly it is spread over the values.",
    key: (layer) => keyOf(layer.relativeError.std),
    text: (layer) => errorText(layer.relativeError.std),
  },
  {
    ...numeric,
    descendingFirst: false,
    id: "sqnr",
    title: "SQNR, dB",
    explanation:
      "Signal to quantisation noise ratio in decibels: strength of the signal over strength of the error. Higher is better; every 6 dB halve the error. Above 20 dB a layer is rarely the cause of a loss.",
    key: (layer) => (isExact(layer) ? Number.MAX_VALUE : keyOf(layer.sqnrDb)),
    text: sqnrText,
  },
  {
    ...numeric,
    descendingFirst: false,
    id: "cosine",
    title: "Cosine",
    explanation: "Cosine similarity of the two outputs: 1 is the same direction, 0 is unrelated.",
    key: (layer) => keyOf(layer.cosine),
    text: (layer) => fixedText(layer.cosine, 4),
  },
  {
    ...numeric,
    id: "timeBefore",
    group: "Share of time",
    title: "before",
    explanation:
      "Share of the original model's run time; a dash where the engine fused the layer into another.",
    key: (layer) => keyOf(layer.timeShare.original),
    text: (layer) => percentText(layer.timeShare.original),
  },
  {
    ...numeric,
    id: "timeAfter",
    group: "Share of time",
    title: "after",
    explanation: "Share of the compressed model's run time.",
    key: (layer) => keyOf(layer.timeShare.compressed),
    text: (layer) => percentText(layer.timeShare.compressed),
  },
  {
    ...textual,
    id: "shape",
    title: "Output",
    explanation: "Size of the output for one image: channels × height × width, or a list of values.",
    key: (layer) => layer.shape.reduce((product, side) => product * side, 1),
    text: (layer) => layer.shape.join("\u202f×\u202f") || MISSING,
  },
  {
    ...numeric,
    id: "rangeBefore",
    group: "Range of values",
    title: "before",
    explanation: "Smallest and largest value of the output in the original model. Sorted by width.",
    key: (layer) => widthOf(layer.range.original),
    text: (layer) => rangeText(layer.range.original),
  },
  {
    ...numeric,
    id: "rangeAfter",
    group: "Range of values",
    title: "after",
    explanation:
      "The same in the compressed model. Much narrower than before means that large values were cut off.",
    key: (layer) => widthOf(layer.range.compressed),
    text: (layer) => rangeText(layer.range.compressed),
  },
];

export const columnsById: ReadonlyMap<string, LayerColumn> = new Map(
  layerColumns.map((column) => [column.id, column]),
);

/** Both models give the very same values: no error, so the ratio is infinite and JSON holds null. */
function isExact(layer: LayerReport): boolean {
  return !isFigure(layer.sqnrDb) && layer.relativeError.peak === 0;
}

function sqnrText(layer: LayerReport): string {
  return isExact(layer) ? "exact" : fixedText(layer.sqnrDb, 1);
}

function weightsText(layer: LayerReport): string {
  if (layer.weightForm !== null) return layer.weightForm;
  return layer.weightBits === null ? MISSING : `${figureText(layer.weightBits)} bits`;
}

function rangeText([low, high]: readonly [Figure, Figure]): string {
  return `${figureText(low)} … ${figureText(high)}`;
}

function widthOf([low, high]: readonly [Figure, Figure]): SortKey {
  return isFigure(low) && isFigure(high) ? high - low : null;
}
