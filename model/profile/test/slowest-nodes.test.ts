import assert from "node:assert/strict";
import { test } from "node:test";
import { kernelMacs } from "../src/kernel.ts";
import { slowestNodes, slowNodeText } from "../src/slowest-nodes.ts";
import { convMacs, events, gemmMacs, recording } from "./recordings.ts";

test("the slowest nodes in words, the first run left out", () => {
  assert.deepEqual(slowestNodes(recording.engines).map(slowNodeText), [
    // 500 of 800 µs; 4,608 products in 250 µs.
    "Conv layer1.0.conv1: 63 % of the run, 0.25 ms per run, 0.018 GMAC/s",
    "FusedGemm fc: 20 % of the run, 0.08 ms per run, 0.004 GMAC/s",
    "Relu layer1.0.relu: 13 % of the run, 0.05 ms per run",
  ]);
});

test("a single run counts", () => {
  const single = events.filter(({ ts }) => ts < 2000);
  const [conv] = slowestNodes([{ name: "tiny.onnx", events: single, offset: 0 }]);
  assert.equal(conv!.msPerRun, 0.88);
});

test("of many nodes only the slowest are told", () => {
  assert.equal(slowestNodes(recording.engines, { count: 2 }).length, 2);
});

test("multiply-accumulates come from the shapes that ran, also where factors are fused and transposed", () => {
  const macs = (name: string) => kernelMacs(events.find((event) => event.name.startsWith(name))!);
  assert.equal(macs("layer1.0.conv1"), convMacs);
  assert.equal(macs("fc"), gemmMacs);
  assert.equal(macs("layer1.0.relu"), null);
});
