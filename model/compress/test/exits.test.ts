/** Leaving a network early: the places, the choice, the wired graph, and the whole stage. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createRandom } from "@cupel/base";
import {
  cloneModel,
  encodeModelBytes,
  type Model,
  readModelFile,
  type Shape,
  writeModelFile,
} from "@cupel/onnx";
import { float32Of, optimisedGraph, type TensorData } from "@cupel/runtime";
import { type BranchHead, scoresOf } from "../src/branch/branch-head.ts";
import { type CutPoint, cutPoints, spreadCuts } from "../src/branch/cut-points.ts";
import { leastLosing, mostSaving } from "../src/exits/choose-exit.ts";
import { exitPoints, fewestFrom, mostWithin, spreadPoints } from "../src/exits/exit-curve.ts";
import { wireExit } from "../src/exits/wire-exit.ts";
import { compress, compressFile, parseRecipe, type Recipe } from "../src/index.ts";
import { options, pixels, quantise } from "./support/compressing.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network, smallClassifier } from "./support/network.ts";
import { refused } from "./support/refused.ts";
import { outputs, run } from "./support/run.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cupel-exits-"));
});
after(() => rm(folder, { recursive: true, force: true }));

const classes = 4;
const place: CutPoint = { name: "first.relu", channels: 8, quarter: [4, 4], share: 0.6 };

/** Weights that make some images of `pixels` surer than others. */
function someHead(features: number): BranchHead {
  const net = new Network(["N", 1], 3);
  const values = (dims: number[], spread: number) =>
    net.constant("w", dims, spread).constant!.toFloat32().slice();
  const width = 5;
  return {
    first: {
      codes: Int8Array.from(values([width, features], 40), (x) =>
        Math.max(-127, Math.min(127, Math.round(x))),
      ),
      scales: new Float32Array(width).fill(0.02),
      bias: values([width], 0.1),
    },
    second: { weight: values([classes, width], 1), bias: values([classes], 0.1) },
  };
}

/** The mean of each channel over each quarter of an 8 x 8 value, in the order of a flattened AveragePool. */
function quarterMeans({ data, dims }: TensorData): Float32Array {
  const [images, channels] = dims as [number, number];
  const means = new Float32Array(images * channels * 4);
  for (let plane = 0; plane < images * channels; plane++) {
    for (let y = 0; y < 8; y++) {
      for (let x = 0; x < 8; x++) {
        means[plane * 4 + (y >> 2) * 2 + (x >> 2)]! += Number(data[plane * 64 + y * 8 + x]) / 16;
      }
    }
  }
  return means;
}

const rowsOf = (scores: Float32Array): Float32Array[] =>
  Array.from({ length: scores.length / classes }, (_, i) => scores.slice(i * classes, (i + 1) * classes));

function confidenceOf(row: Float32Array): number {
  const most = Math.max(...row);
  return 1 / row.reduce((sum, score) => sum + Math.exp(score - most), 0);
}

function assertClose(actual: Float32Array, expected: Float32Array, what: string): void {
  assert.equal(actual.length, expected.length, what);
  for (const [i, value] of expected.entries()) {
    assert.ok(Math.abs(value - actual[i]!) < 1e-4, `${what}: ${actual[i]} at ${i}, not ${value}`);
  }
}

/** What an exit should give, from taps of the straight network. @param tap what the exit reads */
async function expectedOf(straight: Model, tap: string, head: BranchHead, x: TensorData) {
  const found = await run(straight, x, { taps: [tap] });
  return { whole: float32Of(found.scores!), early: scoresOf(head, quarterMeans(found[tap]!)) };
}

const isLong = Boolean(process.env.CUPEL_LONG_TESTS);

describe("a wired exit", () => {
  const forms: readonly (readonly [string, () => Promise<Model>, string])[] = [
    ["in float32", async () => smallClassifier(), "first.relu"],
    [
      "in 8 bits",
      async () => {
        const recipe = quantise({ kernels: "wherever-possible" });
        return (await compress(smallClassifier(), options({ recipe }))).model;
      },
      "first.relu.dq",
    ],
    [
      "in packed 3 bits",
      async () =>
        (
          await compress(
            smallClassifier(),
            options({ recipe: quantise({ bits: 3, kernels: "wherever-possible" }) }),
          )
        ).model,
      "first.relu.dq",
    ],
  ];
  for (const [name, make, tap] of forms) {
    const skip = isLong || name !== "in packed 3 bits" ? false : "8 bits stand for it: set CUPEL_LONG_TESTS";
    test(`${name} gives each image its exit's answer where that is sure, else the network's, in whatever company`, {
      skip,
    }, async () => {
      const straight = await make();
      const before = encodeModelBytes(straight);
      const head = someHead(32);
      const x = pixels([9, 3, 8, 8]);
      const { whole, early } = await expectedOf(straight, tap, head, x);
      const at = async (threshold: number, input = x) =>
        (await outputs(wireExit(straight, { place, head, threshold }), input))[0]!;
      assertClose(await at(-1), early, "all leave");
      assertClose(await at(2), whole, "none leaves");

      const sure = rowsOf(early).map(confidenceOf);
      const sorted = sure.toSorted((a, b) => a - b);
      const threshold = (sorted[4]! + sorted[5]!) / 2;
      const expected = rowsOf(early).map((row, i) => (sure[i]! > threshold ? row : rowsOf(whole)[i]!));
      assertClose(await at(threshold), Float32Array.from(expected.flatMap((row) => [...row])), "some leave");
      for (const [i, row] of expected.entries()) {
        const data = (x.data as Float32Array).slice(i * 192, (i + 1) * 192);
        assertClose(await at(threshold, { ...x, dims: [1, 3, 8, 8], data }), row, `image ${i} alone`);
      }
      assert.deepEqual(encodeModelBytes(straight), before, "the straight model is left as it was");
    });
  }

  for (const size of [1, 4]) {
    test(`of a model fixed to ${size} images a run answers alike`, async () => {
      const shape: Shape = [size, 3, 8, 8];
      const straight = smallClassifier(1, 8, shape);
      const head = someHead(32);
      const x = pixels([size, 3, 8, 8]);
      const { whole, early } = await expectedOf(straight, "first.relu", head, x);
      const sure = rowsOf(early).map(confidenceOf);
      const threshold = size === 1 ? sure[0]! + 0.01 : (Math.max(...sure) + Math.min(...sure)) / 2;
      const expected = rowsOf(early).flatMap((row, i) => [
        ...(sure[i]! > threshold ? row : rowsOf(whole)[i]!),
      ]);
      const [actual] = await outputs(wireExit(straight, { place, head, threshold }), x);
      assertClose(actual!, Float32Array.from(expected), "scores");
    });
  }

  test("keeps the kernels of the rest on integers, its constants in the branch, and every name once", async () => {
    const recipe = quantise({ kernels: "wherever-possible" });
    const { model: straight } = await compress(smallClassifier(), options({ recipe }));
    const wired = wireExit(straight, { place, head: someHead(32), threshold: 0.5 });
    const count = (model: Model, opType: string) =>
      [...model.graph.allNodes()].filter((node) => node.opType === opType).length;
    const optimised = async (model: Model) => optimisedGraph([encodeModelBytes(model)]);
    const expected = count(await optimised(straight), "QLinearConv");
    assert.equal(expected, 3);
    assert.equal(count(await optimised(wired), "QLinearConv"), expected);
    const names = Array.from(wired.graph.allNodes(), ({ name, output }) => name || output.name);
    assert.equal(new Set(names).size, names.length, "the engine refuses two nodes of one name");
    const last = [...wired.graph.initializers].filter(({ name }) => name.startsWith("last."));
    assert.deepEqual(last, [], "constants left with their layer");
  });

  test("of a network that ends in a Softmax answers with probabilities too", async () => {
    const straight = cloneModel(smallClassifier());
    const { graph } = straight;
    const [scores] = graph.outputs.splice(0);
    graph.outputs.push(
      graph.append({ opType: "Softmax", inputs: [scores!], outputs: ["probabilities"] }).output,
    );
    const [early] = await outputs(wireExit(straight, { place, head: someHead(32), threshold: -1 }), pixels());
    for (const row of rowsOf(early!)) assert.ok(Math.abs(row.reduce((sum, p) => sum + p, 0) - 1) < 1e-5);
  });
});

describe("places for an exit", () => {
  test("are values that all the rest is computed from, behind whole blocks", () => {
    // Work: 216, 72 and 64 a pixel. The depthwise layer has the shortcut beside it, and behind the sum no work is left.
    const [only, ...others] = cutPoints(smallClassifier(), plain());
    assert.deepEqual(others, []);
    const { share, ...rest } = only!;
    assert.deepEqual(rest, { name: "first.relu", channels: 8, quarter: [4, 4] });
    assert.ok(Math.abs(share - 216 / (216 + 72 + 64)) < 0.01, `${share}`);
  });

  test("have no quarters where the model leaves the size of its images open, or it is odd", () => {
    const at = (shape: Shape, size: number) =>
      cutPoints(smallClassifier(1, 8, shape), plain(size))[0]?.quarter;
    assert.equal(at(["N", 3, "H", "W"], 8), null);
    assert.equal(at(["N", 3, 7, 7], 7), null);
  });

  test("are spread over the work, each once", () => {
    const cuts = Array.from({ length: 40 }, (_, i) => ({ ...place, name: `${i}`, share: 0.05 + i * 0.02 }));
    const chosen = spreadCuts(cuts, 4).map(({ share }) => share);
    assert.equal(new Set(chosen).size, 4);
    assert.ok(chosen[0]! < 0.2 && chosen[3]! > 0.55, `${chosen}`);
    assert.deepEqual(spreadCuts(cuts.slice(0, 2), 4), cuts.slice(0, 2));
  });
});

const image = (confidence: number, exitIsRight: boolean, wholeIsRight: boolean) => {
  return { confidence, exitIsRight, wholeIsRight };
};

test("the curve of an exit, and who may leave for a loss or a share, are those counted by hand", () => {
  const images = [
    image(0.6, false, true),
    image(0.875, true, false),
    image(0.75, true, true),
    image(0.75, false, true),
  ];
  const points = exitPoints(images, 0.05);
  // Nothing lost of 4: 1 - 0.05^(1/4). One lost: the root of (1 - p)^4 + 4 p (1 - p)^3 = 0.05.
  const [none, one, two] = [1 - 0.05 ** 0.25, 0.7513953742698, 0.9023885371136];
  const expected = [
    { threshold: 1, leaving: 0, right: 0.75, loss: 0, bound: 0 },
    { threshold: 0.8125, leaving: 0.25, right: 1, loss: -0.25, bound: none },
    { threshold: Math.fround(0.675), leaving: 0.75, right: 0.75, loss: 0, bound: one },
    { threshold: Math.fround(0.3), leaving: 1, right: 0.5, loss: 0.25, bound: two },
  ];
  for (const [i, { bound, ...rest }] of points.entries()) {
    const { bound: known, ...others } = expected[i]!;
    assert.deepEqual(rest, others);
    assert.ok(Math.abs(bound - known) < 1e-9, `${bound}, not ${known}`);
  }
  assert.equal(mostWithin(points, 0.6), points[1]);
  assert.equal(mostWithin(points, 0.8), points[2]);
  assert.equal(mostWithin(points, 1), points[3]);
  assert.equal(mostWithin(points, 0.5), null);
  assert.equal(fewestFrom(points, 0.3), points[2]);
  assert.equal(fewestFrom(points, -1), points[1], "an exit at which nobody leaves is none");
  assert.equal(fewestFrom(points, 1.01), null);
  assert.deepEqual(
    spreadPoints(points, 2).map(({ leaving }) => leaving),
    [0, 0.25, 1],
  );
});

test("a threshold chosen for a loss keeps to it on other images, as often as it says", () => {
  // Confidence says nothing here, so that chance alone decides: the hardest case of choosing among thresholds.
  const random = createRandom(3);
  let [chosen, broken] = [0, 0];
  const lossRate = 0.02;
  for (let trial = 0; trial < 400; trial++) {
    const images = Array.from({ length: 300 }, () =>
      image(random.uniform(), random.uniform() >= lossRate, true),
    );
    const point = mostWithin(exitPoints(images, 0.05), 0.015);
    if (point === null) continue;
    chosen++;
    if (point.leaving * lossRate > 0.015) broken++;
  }
  assert.ok(chosen > 100, `${chosen}`);
  // 5 % of 400, and three standard deviations.
  assert.ok(broken <= 20 + 3 * Math.sqrt(400 * 0.05 * 0.95), `${broken} of 400`);
});

describe("the choice among places", () => {
  const of = (share: number, images: readonly ReturnType<typeof image>[]) => {
    return { place: { ...place, share }, head: someHead(32), points: exitPoints(images, 0.05) };
  };
  const sure = Array.from({ length: 40 }, (_, i) => image(0.9 - i / 100, i < 20, true));
  const surer = Array.from({ length: 40 }, (_, i) => image(0.9 - i / 100, i < 38, true));

  test("for a loss takes the most work saved, and none where less than a tenth is", () => {
    // 20 of 40 leave for nothing after a fifth of the work, 38 after 60 %: 0.4 and 0.38 of the work.
    const early = of(0.2, sure);
    const late = of(0.6, surer);
    const found = mostSaving([late, early], 0.08);
    assert.equal(found?.place, early.place);
    assert.equal(found?.point.leaving, 0.5);
    assert.equal(mostSaving([of(0.85, sure)], 0.08), null);
    assert.equal(mostSaving([early], 0.01), null, "40 images cannot tell");
  });

  test("for a speed takes the least loss, within the drop allowed", () => {
    const times = { leavingMs: 2, stayingMs: 11, straightMs: 10 };
    const late = { ...of(0.6, surer), times: { ...times, leavingMs: 6 } };
    const early = { ...of(0.2, sure), times };
    // 10 / 1.25 = 8 ms: a third of the images at 2 ms, three fifths at 6 ms; both lose nothing.
    const slow = leastLosing([late, early], { minSpeed: 1.25, maxDrop: 1 });
    assert.equal(slow?.place, late.place);
    assert.equal(slow?.point.leaving, 0.6);
    // 10 / 1.6 = 6.25 ms: 21 of 40 images at 2 ms, of which one is lost; nearly all at 6 ms, where one is too.
    const fast = leastLosing([early, late], { minSpeed: 1.6, maxDrop: 1 });
    assert.equal(
      fast?.point.bound,
      Math.min(...[early, late].map(({ points }) => fewestFrom(points, 0.525)!.bound)),
    );
    assert.equal(leastLosing([early, late], { minSpeed: 1.6, maxDrop: 0.001 }), null);
    assert.equal(leastLosing([early, late], { minSpeed: 5.1, maxDrop: 1 }), null);
  });
});

describe("the stage", () => {
  const recipe = (exits: object = {}, bits: 8 | 16 = 8): Recipe =>
    parseRecipe(
      {
        stages: [
          { stage: "clean" },
          ...(bits === 16 ? [] : [{ stage: "calibrate" }]),
          { stage: "quantise", bits },
          { stage: "exits", ...exits },
        ],
      },
      "test",
    );
  const training = noiseImages(64, { seed: 5 });

  for (const bits of [8, 16] as const) {
    const skip = isLong || bits === 8 ? false : "8 bits stand for it: set CUPEL_LONG_TESTS";
    test(`of a recipe of ${bits} bits lets images leave, says what it chose, and is the same for the same seed`, {
      skip,
    }, async () => {
      const given = options({ recipe: recipe({ maxDrop: 0.5 }, bits), training });
      const { model, exit, correspondence, notes } = await compress(smallClassifier(), given);
      assert.equal([...model.graph.nodes].filter((node) => node.is("If")).length, 1);
      assert.equal(exit?.after, "first.relu");
      assert.ok(
        exit.chosen.leaving > 0 && exit.chosen.bound <= 0.5 && exit.risk === 0.05,
        JSON.stringify(exit.chosen),
      );
      const { leavingMs, stayingMs } = exit.times;
      const { leaving, averageMs } = exit.chosen;
      assert.ok(Math.abs(averageMs - (leaving * leavingMs + (1 - leaving) * stayingMs)) < 1e-9);
      assert.equal(exit.curve[0]?.leaving, 0);
      assert.equal(exit.curve.at(-1)?.leaving, 1);
      for (const { name } of correspondence.values()) assert.ok(model.graph.value(name), name);
      assert.ok(notes.some((note) => note.startsWith("Images leave after")));
      const again = await compress(smallClassifier(), given);
      assert.deepEqual(encodeModelBytes(again.model), encodeModelBytes(model));
    });
  }

  test("writes a file that the checks accept and whose time is a mean over images", async () => {
    const path = join(folder, "float.onnx");
    const out = join(folder, "early.onnx");
    await writeModelFile(smallClassifier(), path);
    const { check, exit, report } = await compressFile(path, {
      out,
      images: noiseImages(24, { labels: (index) => index % 4 }),
      evaluation: noiseImages(12, { seed: 9, labels: (index) => index % 4 }),
      training,
      preprocessing: plain(),
      recipe: recipe({ maxDrop: 0.5 }),
      allowChance: true,
      floor: null,
      threads: 1,
    });
    assert.equal(check.largestDifference, 0);
    assert.ok([...(await readModelFile(out)).graph.nodes].some((node) => node.is("If")));
    assert.ok(exit && report);
    assert.deepEqual(report.stages?.exit, exit);
    assert.equal(typeof report.compressed.latency.meanMs, "number");
    assert.ok(report.notes.some((note) => note.includes("mean over 12 of the images")));
    assert.equal(report.fusion.convolutions, 3, "those of the branch are counted");
  });

  test("refuses what cannot be left early, and training without images", async () => {
    const net = new Network();
    const dense = net.done(net.gemm("scores", net.node("Flatten", "flat", [net.x]), 192, 6));
    await refused(() => compress(dense, options({ recipe: recipe(), training })), "EXIT_HAS_NO_PLACE");
    await refused(
      () => compress(smallClassifier(), options({ recipe: recipe() })),
      "TRAINING_IMAGES_NEEDED",
      /exits/,
    );
    const two = new Network();
    const first = two.relu(two.conv("first", two.x, 3, 8));
    const maps = two.done(two.head(first, 8), two.conv("maps", first, 8, 2));
    await refused(
      () => compress(maps, options({ recipe: recipe(), training })),
      "OUTPUT_UNSUPPORTED",
      /exits/,
    );
  });
});
