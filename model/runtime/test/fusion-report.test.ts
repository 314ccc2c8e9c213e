import assert from "node:assert/strict";
import { test } from "node:test";
import { fusionReport, optimisedGraph } from "@cupel/runtime";
import { type Flaw, quantisedConv } from "./tiny-models.ts";

test("a complete QDQ convolution becomes one integer kernel", async () => {
  const report = await fusionReport(quantisedConv("none"));
  assert.deepEqual(report.convolutions, { total: 1, quantised: 1 });
  assert.deepEqual(report.unfused, []);
  assert.ok(report.operators.some(({ opType }) => opType.endsWith("QLinearConv")));
});

const reasons: Readonly<Record<Exclude<Flaw, "none">, RegExp>> = {
  "float input": /input is not quantised: it comes from the graph input "x"/,
  "float weights": /weights are not quantised: they come from the constant/,
  "computed bias": /bias is computed by the graph input "late_bias"/,
  "graph output": /output is an output of the graph/,
  "float reader": /output is not quantised: sine \(Sin\) reads it in float/,
};

for (const flaw of [
  "float input",
  "float weights",
  "computed bias",
  "graph output",
  "float reader",
] as const) {
  test(`the reason for an unfused convolution is named: ${flaw}`, async () => {
    const report = await fusionReport(quantisedConv(flaw));
    assert.deepEqual(report.convolutions, { total: 1, quantised: 0 });
    assert.match(report.unfused[0]!.reason, reasons[flaw]);
  });
}

test("the optimised graph keeps its weights after its temporary files are gone", async () => {
  const model = await optimisedGraph(quantisedConv("none"), { optimization: "extended" });
  const conv = [...model.graph.nodes].find((node) => node.opType === "QLinearConv");
  assert.equal(conv?.input(3)?.constant?.bytes().byteLength, 576);
});
