import assert from "node:assert/strict";
import test from "node:test";
import { channelCells, channelsPhrase } from "../pages/report/view/channel-bins.ts";
import { errorScale, positionOf } from "../pages/report/view/error-scale.ts";
import { columnsById, layerColumns } from "../pages/report/view/layer-columns.ts";
import { shortName, tidyName } from "../pages/report/view/layer-name.ts";
import { filterLayers, nextSorting, sortLayers } from "../pages/report/view/layer-order.ts";
import { axisTicks } from "../shared/view/axis-ticks.ts";
import { awkwardReport, resNetReport } from "./fixture/reports.ts";

test("a layer of few channels has one cell a channel, worst first", () => {
  const cells = channelCells([0.1, 0.9, 0.4]);
  assert.deepEqual(
    cells.map((cell) => cell.channels),
    [[1], [2], [0]],
  );
  assert.deepEqual(
    cells.map((cell) => cell.error),
    [0.9, 0.4, 0.1],
  );
});

test("2048 channels become 128 cells that hold every channel once and show the worst of each", () => {
  const errors = Array.from({ length: 2048 }, (_, i) => ((i * 7919) % 2048) / 2048);
  for (const order of ["worst-first", "as-stored"] as const) {
    const cells = channelCells(errors, order);
    assert.equal(cells.length, 128);
    assert.deepEqual(
      cells.flatMap((cell) => cell.channels).sort((a, b) => a - b),
      errors.map((_, i) => i),
    );
    for (const cell of cells) {
      assert.equal(cell.error, Math.max(...cell.channels.map((channel) => errors[channel] ?? 0)));
    }
    assert.equal(cells[0]?.from, 0);
    assert.equal(cells.at(-1)?.to, 1);
    for (let i = 1; i < cells.length; i++) assert.equal(cells[i]?.from, cells[i - 1]?.to);
  }
});

test("counts that 128 does not divide leave no cell empty", () => {
  for (const count of [1, 127, 129, 255, 1000]) {
    const cells = channelCells(new Array(count).fill(0.5));
    assert.ok(cells.every((cell) => cell.channels.length > 0));
  }
  assert.deepEqual(channelCells([]), []);
});

test("channels without a figure stand last and are marked, not drawn as zero", () => {
  const cells = channelCells([null, 0.2, null]);
  assert.deepEqual(
    cells.map((cell) => cell.error),
    [0.2, null, null],
  );
});

test("channels are named in words", () => {
  assert.equal(channelsPhrase([17]), "channel 17");
  assert.equal(channelsPhrase([1, 2]), "channels 1 and 2");
  assert.equal(channelsPhrase([9, 8, 7, 6, 5, 4]), "channels 9, 8, 7, 6 and 2 more");
});

test("the colour scale is logarithmic, spans at most four decades and survives no figures at all", () => {
  const scale = errorScale([1e-9, 0.001, 0.01, 0.1, 1]);
  assert.equal(scale.high, 1);
  assert.equal(scale.low, 1e-4);
  assert.ok(Math.abs(positionOf(scale, 0.01) - 0.5) < 1e-12, `${positionOf(scale, 0.01)} is not 0.5`);
  assert.equal(positionOf(scale, 0), 0);
  assert.equal(positionOf(scale, 50), 1);
  assert.ok(errorScale([null, Number.NaN, 0]).high > 0);
  assert.ok(errorScale([0.3]).low < 0.3);
});

test("sorting is by figure, keeps ties in order of execution, and puts missing figures last either way", () => {
  const layers = filterLayers(awkwardReport().layers, "");
  for (const descending of [true, false]) {
    const sorted = sortLayers(layers, { column: "errorMean", descending });
    assert.equal(sorted.at(-1)?.index, 11, "the layer with NaN");
    const means = sorted.slice(0, -1).map(({ layer }) => layer.relativeError.mean);
    assert.deepEqual(
      means,
      means.toSorted((a, b) => (descending ? b - a : a - b)),
    );
  }
  const byBits = sortLayers(layers, { column: "weights", descending: false });
  const fourBit = byBits.filter(({ layer }) => layer.weightBits === 4).map(({ index }) => index);
  assert.deepEqual(
    fourBit,
    fourBit.toSorted((a, b) => a - b),
  );
});

test("names sort as people count", () => {
  const [first] = resNetReport().layers;
  assert.ok(first);
  const layers = ["block10", "block2", "block1"].map((name, index) => ({ layer: { ...first, name }, index }));
  const names = sortLayers(layers, { column: "name", descending: false }).map(({ layer }) => layer.name);
  assert.deepEqual(names, ["block1", "block2", "block10"]);
});

test("an exact layer says so instead of showing an infinite ratio, before and after JSON", () => {
  const text = columnsById.get("sqnr")?.text;
  const live = awkwardReport().layers[10];
  assert.ok(text && live);
  assert.equal(text(live, 10), "exact");
  assert.equal(text(JSON.parse(JSON.stringify(live)), 10), "exact");
});

test("a first click on an error shows the worst on top; a second turns it round", () => {
  const once = nextSorting({ column: "order", descending: false }, "errorMean");
  assert.deepEqual(once, { column: "errorMean", descending: true });
  assert.deepEqual(nextSorting(once, "errorMean"), { column: "errorMean", descending: false });
  assert.deepEqual(nextSorting(once, "sqnr"), { column: "sqnr", descending: false });
});

test("every word of the filter must occur, in any case", () => {
  const { layers } = resNetReport();
  const found = filterLayers(layers, "LAYER3 int4");
  assert.ok(found.length > 0);
  assert.ok(found.every(({ layer }) => layer.name.includes("layer3") && layer.weightForm?.includes("INT4")));
  assert.equal(filterLayers(layers, "layer3 nowhere").length, 0);
});

test("every column explains itself", () => {
  for (const column of layerColumns) assert.ok(column.explanation.length > 30, column.id);
});

test("names lose what exporters repeat and keep the end that tells them apart", () => {
  assert.equal(tidyName("/layer1/layer1.0/conv1/Conv_output_0"), "layer1.0/conv1");
  assert.equal(tidyName("/layer1/Conv_1_output_0"), "layer1/Conv_1");
  assert.equal(tidyName("/"), "/");
  assert.equal(tidyName("Conv"), "Conv");
  const short = shortName(`/${"x".repeat(100)}/end`, 10);
  assert.equal(short.length, 10);
  assert.ok(short.startsWith("…") && short.endsWith("/end"));
});

test("axis ticks are round and include zero when it is inside", () => {
  assert.deepEqual(axisTicks(-0.9, 0.9, 7), [-0.5, 0, 0.5]);
  assert.deepEqual(axisTicks(-1.61, 1.61, 9), [-1.5, -1, -0.5, 0, 0.5, 1, 1.5]);
  assert.deepEqual(axisTicks(-0.35, 0.35, 9), [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]);
  assert.deepEqual(axisTicks(1, 1, 5), [1]);
});
