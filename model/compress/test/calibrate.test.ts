/** Streaming calibration: when it stops, what it holds, what it refuses. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { baseErrors } from "@cupel/base";
import type { Model } from "@cupel/onnx";
import { float32Of } from "@cupel/runtime";
import { batches } from "@cupel/vision";
import { type CalibrationOptions, calibrate } from "../src/calibrate/calibrate.ts";
import { placeQuantisers } from "../src/emit/placement.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network, smallClassifier } from "./support/network.ts";
import { refused } from "./support/refused.ts";
import { run } from "./support/run.ts";

function options(changes: Partial<CalibrationOptions> = {}): CalibrationOptions {
  return {
    images: noiseImages(20),
    preprocessing: plain(),
    method: "min-max",
    percentile: 0.9999,
    batchSize: 4,
    patience: 5,
    tolerance: 0.003,
    threads: 1,
    ...changes,
  };
}

const measured = (model: Model, changes: Partial<CalibrationOptions> = {}) =>
  calibrate(model, placeQuantisers(model.graph).values, options(changes));

test("min-max ranges and channel moments are those of all images in one run", async () => {
  const model = smallClassifier();
  const found = await measured(model, { patience: 1000 });
  assert.equal(found.images, 20);
  assert.equal(found.batches, 5);
  const images = batches(noiseImages(20), plain(), { batchSize: 20 });
  const { value: all } = await images[Symbol.asyncIterator]().next();
  const tensors = await run(
    model,
    { type: "float32", dims: all.dims, data: all.data },
    { taps: ["first.relu"] },
  );
  const values = float32Of(tensors["first.relu"]!);
  const [low, high] = found.ranges.get("first.relu")!;
  assert.ok(Math.abs(low - Math.min(...values)) < 1e-5 && Math.abs(high - Math.max(...values)) < 1e-5);
  const mean = found.moments.get("first.relu")!.mean();
  const variance = found.moments.get("first.relu")!.variance();
  for (let c = 0; c < 8; c++) {
    const own = values.filter((_, i) => Math.floor(i / 64) % 8 === c);
    const average = own.reduce((sum, x) => sum + x, 0) / own.length;
    const spread = own.reduce((sum, x) => sum + (x - average) ** 2, 0) / own.length;
    assert.ok(Math.abs(mean[c]! - average) < 1e-4, `${mean[c]!} is not ${average}`);
    assert.ok(Math.abs(variance[c]! - spread) < 1e-3, `${variance[c]!} is not ${spread}`);
  }
});

test("the moving average is 0.9 old plus 0.1 new after ten batches, and the mean before", async () => {
  const net = new Network();
  const model = net.done(net.node("Flatten", "y", [net.conv("conv", net.x, 3, 2)]));
  const source = noiseImages(14);
  const found = await measured(model, {
    method: "moving-average",
    images: source,
    batchSize: 1,
    patience: 1000,
  });
  let high = 0;
  let n = 0;
  for await (const { data } of batches(source, plain(), { batchSize: 1 })) {
    high += Math.max(0.1, 1 / ++n) * (Math.max(...data) - high);
  }
  assert.ok(Math.abs(found.ranges.get("x")![1] - high) < 1e-6);
});

test("it stops after as many quiet batches as its patience", async () => {
  let read = 0;
  const same = { ...noiseImages(4000, { onRead: () => read++ }) };
  const image = same.image.bind(same);
  const found = await measured(smallClassifier(), {
    images: { ...same, image: (index) => image(index % 4) },
    patience: 3,
  });
  assert.ok(found.stoppedEarly);
  // The first batch moves every range; three more move none; one run is always under way.
  assert.ok(found.batches >= 4 && found.batches <= 6, `${found.batches} batches`);
  assert.ok(read < 200, `${read} images were read`);
});

test("images that keep changing are all looked at", async () => {
  const found = await measured(smallClassifier(), { tolerance: 1e-9, patience: 3 });
  assert.equal(found.stoppedEarly, false);
  assert.equal(found.images, 20);
});

test("an activation that is not finite is named", async () => {
  const net = new Network();
  const y = net.conv("conv", net.x, 3, 4);
  const broken = net.node("Log", "log", [y]);
  const model = net.done(net.conv("last", broken, 4, 2));
  await refused(() => measured(model), "CALIBRATION_FAILED", /"log"/);
});

test("a fixed number of images a run, which the last run does not reach, changes nothing", async () => {
  const [open, fixed] = [smallClassifier(), smallClassifier(1, 8, [8, 3, 8, 8])];
  const [a, b] = [await measured(open), await measured(fixed)];
  assert.equal(b.images, 20);
  for (const [name, [low, high]] of a.ranges) {
    const [fixedLow, fixedHigh] = b.ranges.get(name)!;
    assert.ok(Math.abs(low - fixedLow) < 1e-5 && Math.abs(high - fixedHigh) < 1e-5, name);
  }
  const [mean, fixedMean] = [a, b].map((each) => each.moments.get("first.relu")!.mean()[0]!);
  assert.ok(Math.abs(mean! - fixedMean!) < 1e-5, `${mean!} is not ${fixedMean!}`);
});

test("it can be cancelled", async () => {
  const controller = new AbortController();
  const images = noiseImages(4000, { onRead: (index) => index === 40 && controller.abort() });
  await refused(() => measured(smallClassifier(), { images, signal: controller.signal }), "CANCELLED");
  assert.ok(baseErrors.specs.CANCELLED);
});

test("images of another size are refused in words about images", async () => {
  await refused(
    () => measured(smallClassifier(), { preprocessing: plain(16) }),
    "INPUT_SHAPE_MISMATCH",
    /takes \[N, 3, 8, 8\], but the preprocessing makes \[N, 3, 16, 16\]/,
  );
});

test("memory does not grow with the number of images", () => {
  const grown = (images: number): number => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [new URL("support/calibration-memory.ts", import.meta.url).pathname, String(images)],
      { encoding: "utf8" },
    );
    assert.match(stdout, /^\d+$/, stderr);
    return Number(stdout);
  };
  const [few, many] = [grown(64), grown(512)];
  // 448 images more have 224 MB of activations between them.
  assert.ok(many - few < 60e6, `${few} bytes for 64 images, ${many} for 512`);
});
