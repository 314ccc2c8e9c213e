/** What the page makes of layers beside the table: CSV, modules, values, and errors in context. */
import assert from "node:assert/strict";
import test from "node:test";
import type { LayerReport } from "@cupel/report";
import { errorContext, outputError } from "../pages/report/view/error-context.ts";
import { csvName, layerCsv } from "../pages/report/view/layer-csv.ts";
import { isGroup, type LayerPart, layerTree } from "../pages/report/view/layer-tree.ts";
import { barHeights, histogramText, stepPath } from "../pages/report/view/value-bins.ts";
import { awkwardReport, resNetReport } from "./fixture/reports.ts";

const plain = (text: string) => text.replaceAll("\u00a0", " ");

/** RFC 4180, read by another rule than it is written by: one character at a time. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const row = rows.at(-1) ?? [];
    const here = text[at] ?? "";
    const next = text[at + 1];
    if (quoted && here === '"' && next === '"') {
      at++;
      row.push(`${row.pop()}"`);
    } else if (here === '"') quoted = !quoted;
    else if (!quoted && here === ",") row.push("");
    else if (!quoted && here === "\r" && next === "\n") {
      at++;
      rows.push([""]);
    } else row.push(`${row.pop()}${here}`);
  }
  return rows.slice(0, -1);
}

const first = (): LayerReport => resNetReport().layers[0]!;

test("the CSV has a row a layer, as many cells as the header, numbers with a dot and units in the header", () => {
  const { layers } = resNetReport();
  const [header, ...rows] = readCsv(layerCsv(layers));
  assert.ok(header);
  assert.equal(rows.length, layers.length);
  for (const row of rows) assert.equal(row.length, header.length);
  for (const unit of ["Size after (bytes)", "SQNR (dB)", "Relative error mean (%)"])
    assert.ok(header.includes(unit));
  const cell = (row: number, title: string) => rows[row]?.[header.indexOf(title)];
  assert.equal(cell(3, "Layer"), layers[3]?.name);
  assert.equal(Number(cell(3, "SQNR (dB)")), layers[3]?.sqnrDb);
  assert.equal(Number(cell(3, "Smallest before")), layers[3]?.range.original[0]);
  const mean = 100 * (layers[3]?.relativeError.mean ?? Number.NaN);
  assert.ok(Math.abs(Number(cell(3, "Relative error mean (%)")) / mean - 1) < 1e-6);
});

test("a name that a spreadsheet would take for a formula is made harmless, and any name can be read back", () => {
  const names = [
    "=1+1",
    "+x",
    "-x",
    "@x",
    " =x",
    "\t=x",
    'say "so", twice',
    "two\r\nlines",
    "plain/name",
    "a=b",
  ];
  const rows = readCsv(layerCsv(names.map((name) => ({ ...first(), name })))).slice(1);
  const cells = rows.map((row) => row[1]);
  assert.deepEqual(
    cells.slice(0, 6),
    names.slice(0, 6).map((name) => `'${name}`),
  );
  assert.deepEqual(cells.slice(6), names.slice(6));
  const negative = { ...first(), range: { original: [-1.5, 2], compressed: [-1e-7, 2] } } as const;
  const [header, row] = readCsv(layerCsv([negative]));
  assert.equal(row?.[header?.indexOf("Smallest before") ?? -1], "-1.5");
});

test("figures that are missing are empty cells, before and after JSON, and an exact layer says so", () => {
  const layers: LayerReport[] = JSON.parse(JSON.stringify(awkwardReport().layers));
  for (const each of [awkwardReport().layers, layers]) {
    const text = layerCsv(each);
    assert.doesNotMatch(text, /NaN|Infinity|null|undefined/);
    const [header, ...rows] = readCsv(text);
    const sqnr = header?.indexOf("SQNR (dB)") ?? -1;
    assert.deepEqual([rows[10]?.[sqnr], rows[11]?.[sqnr]], ["exact", ""]);
  }
});

test("the file is called after the model", () => {
  assert.equal(csvName("small.onnx"), "small.layers.csv");
  assert.equal(csvName("small"), "small.layers.csv");
});

/** "layer1[0 1[conv1 conv2]]" */
const treeText = (parts: readonly LayerPart[]): string =>
  parts.map((part) => (isGroup(part) ? `${part.title}[${treeText(part.parts)}]` : part.title)).join(" ");
const treeOf = (...names: string[]) => treeText(layerTree(names.map((name) => ({ name }))));

test("layers are grouped by the path of modules, steps that lead nowhere else are joined, order stays", () => {
  assert.equal(
    treeOf(
      "/conv1/Conv_output_0",
      "/layer1/layer1.0/conv1/Conv_output_0",
      "/layer1/layer1.0/conv2/Conv_output_0",
      "/layer1/layer1.1/conv1/Conv_output_0",
      "/fc/Gemm_output_0",
    ),
    "conv1 layer1[0[conv1 conv2] 1/conv1] fc",
  );
  assert.equal(treeOf("a.b.c.x", "a.b.c.y"), "a/b/c[x y]");
  assert.equal(treeOf("relu1_out", "scores"), "relu1_out scores");
  assert.equal(treeOf("block", "block/conv", "block/act", "block"), "block block block[conv act]");
  assert.equal(treeOf("/", "..", ""), "/ .. ");
  assert.equal(treeOf("__proto__/a", "__proto__/b", "constructor"), "__proto__[a b] constructor");
});

test("every layer is in the tree once", () => {
  const indicesOf = (parts: readonly LayerPart[]): number[] =>
    parts.flatMap((part) => (isGroup(part) ? indicesOf(part.parts) : part.index));
  for (const { layers } of [resNetReport(), awkwardReport()]) {
    const found = indicesOf(layerTree(layers)).toSorted((a, b) => a - b);
    assert.deepEqual(
      found,
      layers.map((_, index) => index),
    );
  }
});

const histogram = { original: [0, 99, 9, 1], compressed: [0, 100, 9, 0], from: -1, to: 3 };

test("the histogram in words says where most values lie and where each model ends", () => {
  assert.equal(
    plain(histogramText(histogram)),
    "Values from −1.00 to 3.00 in 4 bins. Original: 90.8 % lie between 0 and 1.00, all between 0 and 3.00. Compressed: 91.7 % lie between 0 and 1.00, all between 0 and 2.00.",
  );
});

test("bars are logarithmic, none is higher than the chart, and an empty bin has none", () => {
  const { original, compressed } = barHeights(histogram);
  assert.deepEqual([original[0], compressed[1], compressed[3]], [0, 1, 0]);
  assert.ok(Math.abs((original[2] ?? 0) - Math.log(10) / Math.log(101)) < 1e-12);
  assert.equal(stepPath([0, 1], 10), "M0 10L0 10L1 10L1 0L2 0L2 10");
});

const layerWith = (peak: number, sqnrDb: number, name = "layer"): LayerReport => ({
  ...first(),
  name,
  sqnrDb,
  relativeError: { mean: 0.4, peak, std: 1 },
});

test("a frightening relative error is told beside what the layer as a whole and the output have", () => {
  const out = layerWith(0.2, 40, "scores");
  const near = layerWith(3, 26);
  const report = { outputs: ["scores"], layers: [near, out] };
  const said = errorContext(near, report).map(plain).join(" ");
  assert.match(
    said,
    /compares each value with itself\. Peaks above 100 % usually come from values near zero/,
  );
  assert.match(said, /as a whole the error is 5\.0 % of the signal \(SQNR 26\.0 dB\)/);
  assert.match(
    said,
    /At the output the error is 1\.0 % of the signal \(SQNR 40\.0 dB\)\. So most of this layer's error does not last\./,
  );
});

test("an error that is large as a whole is not excused, and one that lasts is not said to fade", () => {
  const out = layerWith(2, 14, "scores");
  const bad = layerWith(30, 12);
  const said = errorContext(bad, { outputs: ["scores"], layers: [bad, out] }).join(" ");
  assert.match(said, /that is large, and not only for values near zero/);
  assert.doesNotMatch(said, /does not last|usually come from/);
  assert.match(
    errorContext(out, { outputs: ["scores"], layers: [bad, out] }).join(" "),
    /This is an output of the model/,
  );
});

test("without figures, without error and without a compared output nothing is made up", () => {
  const exact = { ...layerWith(0, Number.POSITIVE_INFINITY) };
  assert.deepEqual(errorContext(exact, { outputs: [], layers: [exact] }), []);
  const unknown = layerWith(Number.NaN, Number.NaN);
  assert.deepEqual(errorContext(unknown, { outputs: [], layers: [unknown] }), []);
  assert.equal(outputError({ outputs: ["scores"], layers: [] }), null);
  assert.equal(errorContext(layerWith(2, 30), { outputs: [], layers: [] }).length, 1);
});
