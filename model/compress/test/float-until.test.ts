/** A model that rounding throughout would spoil is written with the operators in float that spoil it. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Model, readModelFile, Tensor, writeModelFile } from "@cupel/onnx";
import { fusionReport } from "@cupel/runtime";
import { compressFile, type Floor } from "../src/index.ts";
import { quantise } from "./support/compressing.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network } from "./support/network.ts";
import { refused } from "./support/refused.ts";

/** Four layers, then one whose channels lie around 20,000 and move by about 1, and one that takes the 20,000 off again. */
function hidden(): Model {
  const net = new Network(["N", 3, 8, 8], 3);
  let x = net.relu(net.conv("first", net.x, 3, 16));
  for (const name of ["second", "third", "fourth"]) x = net.relu(net.conv(name, x, 16, 16));
  const raised = net.conv("raised", x, 16, 16, { kernel: 1, bias: false });
  const lowered = net.conv("lowered", raised, 16, 2, { kernel: 1, bias: false });
  const [up, down] = [raised.producer!, lowered.producer!];
  const weights = down.input(1)!.constant!.toFloat32();
  const total = [0, 1].map((row) => weights.slice(16 * row, 16 * row + 16).reduce((sum, w) => sum + w, 0));
  up.setInput(2, net.model.graph.addConstant("up", Tensor.float32([16], new Float32Array(16).fill(20_000))));
  const back = total.map((sum) => -20_000 * sum);
  down.setInput(2, net.model.graph.addConstant("down", Tensor.float32([2], back)));
  return net.done(lowered);
}

async function compressed(floor: Floor) {
  const folder = await mkdtemp(join(tmpdir(), "cupel-float-"));
  try {
    const [path, out] = [join(folder, "float.onnx"), join(folder, "small.onnx")];
    await writeModelFile(hidden(), path);
    const notes: string[] = [];
    const { check } = await compressFile(path, {
      out,
      images: noiseImages(24),
      preprocessing: plain(),
      report: false,
      threads: 1,
      floor,
      recipe: quantise({ kernels: "wherever-possible" }),
      onFact: (fact) => fact.kind === "note" && notes.push(fact.sentence),
    });
    const fused = await fusionReport(out);
    return { check, notes, fused, files: await readdir(folder), written: await readModelFile(out) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("what misses the floor is written with the operators in float that cost most, which are named", async () => {
  const { check, notes, files, fused, written } = await compressed({ samePrediction: 0.5, sqnrDb: 10 });
  assert.ok(check.outputs[0]!.value! >= 10, `${check.outputs[0]!.value}`);
  assert.match(notes.join(" "), /\d of \d+ operators run in float, .*Conv "(raised|lowered)"/);
  assert.deepEqual(files.sort(), ["float.onnx", "small.onnx"]);
  assert.equal(fused.convolutions.total, 6);
  assert.ok(fused.convolutions.quantised >= 3, `${fused.convolutions.quantised}`);
  const inFloat = [...written.graph.initializers].filter(
    ({ constant }) => constant!.type === "float32" && constant!.size > 64,
  );
  assert.deepEqual(inFloat, [], "weights have 8 bits");
});

test("a floor that even float activations miss is refused as before", async () => {
  await refused(() => compressed({ samePrediction: 1, sqnrDb: 200 }), "FLOOR_MISSED", /at least 200 dB/);
});
