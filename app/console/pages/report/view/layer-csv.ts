/**
 * The table of layers as CSV (RFC 4180), for a spreadsheet or a script: every figure in full, with a dot, units in the
 * header. Names come from a model that anyone may have made: a spreadsheet takes a cell that begins with one of =, +, -
 * and @ for a formula, so that such a text gets an apostrophe in front.
 */
import type { LayerReport } from "@cupel/report";
import { type Figure, isFigure } from "../../../shared/view/number-text.ts";

type Cell = string | Figure;

const percent = (share: Figure): Figure =>
  isFigure(share) ? Number((100 * share).toPrecision(8)) : undefined;

const columns: readonly (readonly [header: string, cell: (layer: LayerReport, index: number) => Cell])[] = [
  ["No.", (_, index) => index + 1],
  ["Layer", ({ name }) => name],
  ["Operator", ({ operator }) => operator],
  ["Weights", ({ weightForm }) => weightForm ?? ""],
  ["Bits of a weight", ({ weightBits }) => weightBits],
  ["Parameters", ({ parameters }) => parameters],
  ["Size before (bytes)", ({ bytes }) => bytes.original],
  ["Size after (bytes)", ({ bytes }) => bytes.compressed],
  ["Relative error mean (%)", ({ relativeError }) => percent(relativeError.mean)],
  ["Relative error peak (%)", ({ relativeError }) => percent(relativeError.peak)],
  ["Relative error std (%)", ({ relativeError }) => percent(relativeError.std)],
  ["SQNR (dB)", ({ sqnrDb, relativeError }) => (relativeError.peak === 0 ? "exact" : sqnrDb)],
  ["Cosine", ({ cosine }) => cosine],
  ["Share of time before (%)", ({ timeShare }) => percent(timeShare.original)],
  ["Share of time after (%)", ({ timeShare }) => percent(timeShare.compressed)],
  ["Output shape", ({ shape }) => shape.join(" x ")],
  ["Smallest before", ({ range }) => range.original[0]],
  ["Largest before", ({ range }) => range.original[1]],
  ["Smallest after", ({ range }) => range.compressed[0]],
  ["Largest after", ({ range }) => range.compressed[1]],
];

/** Layers in the order of execution; a figure that is missing is an empty cell. */
export function layerCsv(layers: readonly LayerReport[]): string {
  const rows = [
    columns.map(([header]) => header),
    ...layers.map((layer, index) => columns.map(([, cell]) => cell(layer, index))),
  ];
  return rows.map((row) => `${row.map(cellText).join(",")}\r\n`).join("");
}

function cellText(cell: Cell): string {
  if (typeof cell !== "string") return isFigure(cell) ? String(cell) : "";
  // A tab or a line end in front is skipped by some spreadsheets, and what follows is read as a formula.
  const harmless = /^[\s]*[=+\-@]|^[\t\r\n]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** "small.layers.csv" of "small.onnx" */
export function csvName(model: string): string {
  return `${model.replace(/\.onnx$/i, "")}.layers.csv`;
}
