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
import { largestDifference, run } from "./support/run.ts";

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
  calibrate(model, placeQuantisers(model.graph).watched, options(changes));

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

/** Activations of 8 x 40 x 40, of which calibration samples. */
const large = (batch: number | "N"): Model => smallClassifier(1, 8, [batch, 3, 40, 40]);
const methods = ["min-max", "moving-average", "percentile", "entropy", "mse"] as const;

for (const method of methods) {
  test(`${method}: how images are cut into runs changes no range`, async () => {
    const ranges = async (batch: number | "N") => {
      const { ranges, moments, images, stoppedEarly } = await measured(large(batch), {
        method,
        images: noiseImages(22, { size: 40 }),
        preprocessing: plain(40),
        patience: 2,
        tolerance: 0.1,
      });
      const means = [...moments].map(([name, each]) => [name, each.mean(), each.variance()]);
      return { ranges, means, images, stoppedEarly };
    };
    const one = await ranges(1);
    for (const batch of [3, "N"] as const) assert.deepEqual(await ranges(batch), one, `${batch} a run`);
  });
}

test("the outputs it keeps are those of the float model, whatever the runs; none where a run is fixed to several", async () => {
  const source = noiseImages(6, { size: 40 });
  const keptOutputs = new Set([source.id(4), source.id(1)]);
  const given = { images: source, preprocessing: plain(40), patience: 1000, keptOutputs };
  const fixed = await measured(large(3), given);
  assert.equal(fixed.outputs.size, 0);
  for (const batch of [1, "N"] as const) {
    const { outputs } = await measured(large(batch), given);
    assert.deepEqual(new Set(outputs.keys()), keptOutputs);
    for await (const { indices, dims, data } of batches(source, plain(40), { batchSize: 1 })) {
      const kept = outputs.get(source.id(indices[0]!));
      if (!kept) continue;
      const [own] = Object.values(await run(large(1), { type: "float32", dims, data }));
      assert.equal(kept.length, 1);
      assert.ok(largestDifference(kept[0]!, float32Of(own!)) < 1e-4);
    }
  }
});

test("of a large activation, extremes and means are exact, and the variance is within sampling", async () => {
  const model = large("N");
  const source = noiseImages(12, { size: 40 });
  const found = await measured(model, { images: source, preprocessing: plain(40), patience: 1000 });
  const { value: all } = await batches(source, plain(40), { batchSize: 12 })[Symbol.asyncIterator]().next();
  const feed = { type: "float32" as const, dims: all.dims, data: all.data };
  const values = float32Of((await run(model, feed, { taps: ["first.relu"] }))["first.relu"]!);
  const extremes = values.reduce<[number, number]>(
    ([low, high], x) => [Math.min(low, x), Math.max(high, x)],
    [0, 0],
  );
  assert.deepEqual(found.ranges.get("first.relu"), extremes);
  const moments = found.moments.get("first.relu")!;
  for (let c = 0; c < 8; c++) {
    const own = values.filter((_, i) => Math.floor(i / 1600) % 8 === c);
    const mean = own.reduce((sum, x) => sum + x, 0) / own.length;
    const variance = own.reduce((sum, x) => sum + (x - mean) ** 2, 0) / own.length;
    assert.ok(Math.abs(moments.mean()[c]! - mean) < 1e-5 * (1 + mean), `${moments.mean()[c]} for ${mean}`);
    assert.ok(
      Math.abs(moments.variance()[c]! / variance - 1) < 0.1,
      `${moments.variance()[c]} for ${variance}`,
    );
  }
});

test("a value whose first dimension does not count images is watched whole", async () => {
  const net = new Network(["N", 3, 40, 40]);
  const windows = net.node("Reshape", "windows", [net.x, net.integers("to", [-1, 3, 20, 40])]);
  const conv = net.relu(net.conv("conv", windows, 3, 4));
  const model = net.done(net.node("Reshape", "y", [conv, net.integers("back", [-1, 4, 40, 40])]));
  const found = await measured(model, {
    images: noiseImages(6, { size: 40 }),
    preprocessing: plain(40),
    method: "moving-average",
    batchSize: 2,
  });
  // Each batch of two has pixels of 0 and of 255.
  const [low, high] = found.ranges.get("windows")!;
  assert.ok(Math.abs(high - 0.5 / 0.29) < 1e-6 && Math.abs(low + high) < 1e-6, `${low} to ${high}`);
  assert.equal(found.moments.get("windows")!.mean().length, 3);
});

for (const [size, name] of [
  [8, "whole"],
  [40, "reduced"],
] as const) {
  test(`${name}: activations of 1e19 have their range; infinite ones are named`, async () => {
    const scaled = (factor: number): Model => {
      const net = new Network(["N", 3, size, size]);
      const large = net.node("Mul", "large", [net.x, net.scalar("factor", factor)]);
      return net.done(net.conv("last", large, 3, 2));
    };
    const given = { images: noiseImages(4, { size }), preprocessing: plain(size), method: "mse" as const };
    const { ranges, moments } = await measured(scaled(1e19), given);
    const [low, high] = ranges.get("large")!;
    assert.ok(low < -1.5e19 && high > 1.5e19 && high < 1.8e19, `${low} to ${high}`);
    assert.ok(moments.get("large")!.variance().every(Number.isFinite));
    await refused(() => measured(scaled(3e38), given), "CALIBRATION_FAILED", /"large" was NaN, infinite/);
  });
}

test("one NaN among many numbers is found", async () => {
  const net = new Network(["N", 3, 40, 40]);
  // The square root of the largest value less almost that much is of a negative number nearly everywhere.
  const rare = net.node("Sqrt", "rare", [net.node("Sub", "less", [net.scalar("top", 1.724), net.x])]);
  const model = net.done(net.conv("last", rare, 3, 2));
  const given = { images: noiseImages(8, { size: 40 }), preprocessing: plain(40) };
  await refused(() => measured(model, given), "CALIBRATION_FAILED", /"rare"/);
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
