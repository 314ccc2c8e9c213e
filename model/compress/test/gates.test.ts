/** Going past residual blocks: the blocks, the wired graph, the choice, and the stages. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createRandom } from "@cupel/base";
import { cloneModel, encodeModelBytes, type Model, readModelFile, writeModelFile } from "@cupel/onnx";
import type { TensorData } from "@cupel/runtime";
import type { BranchHead } from "../src/branch/branch-head.ts";
import { type GatePoint, mostSkipping, thresholdsOf, worthTheirTime } from "../src/gates/choose-threshold.ts";
import { type Gate, wireGates, withoutSpans } from "../src/gates/wire-gates.ts";
import { compress, compressFile, parseRecipe, type Recipe } from "../src/index.ts";
import { options, pixels, quantise } from "./support/compressing.ts";
import { noiseImages, plain } from "./support/images.ts";
import { Network } from "./support/network.ts";
import { refused } from "./support/refused.ts";
import { assertClose, classes, residualNetwork, rowOf, rowsOf, width } from "./support/residual.ts";
import { largestDifference, outputs } from "./support/run.ts";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cupel-gates-"));
});
after(() => rm(folder, { recursive: true, force: true }));

/** The longest span of each row behind a head that tells images apart. */
function someGates(model: Model): Gate[] {
  return rowsOf(model).map(([span], i) => ({
    span: span!,
    head: someHead(span!.from.quarter ? 4 * width : width, i),
  }));
}

function someHead(features: number, seed: number): BranchHead {
  const random = createRandom(seed + 11);
  const hidden = 5;
  const normal = (size: number, spread: number) =>
    Float32Array.from({ length: size }, () => spread * random.normal());
  return {
    first: {
      codes: Int8Array.from(normal(hidden * features, 40), (x) =>
        Math.max(-127, Math.min(127, Math.round(x))),
      ),
      scales: new Float32Array(hidden).fill(0.02),
      bias: normal(hidden, 0.1),
    },
    second: { weight: normal(hidden * classes, 1), bias: normal(classes, 0.1) },
  };
}

/** What is fused may round a sum of 8 bits the other way, and a branch is fused by itself. */
const unfused = { optimization: "disabled" } as const;

/** Scores, and of each gate the margin of every image. */
async function seen(wired: ReturnType<typeof wireGates>, x: TensorData) {
  const model = cloneModel(wired.model);
  model.graph.outputs.push(...wired.margins.map((name) => model.graph.value(name)!));
  const [scores, ...margins] = await outputs(model, x, unfused);
  return { scores: scores!, margins };
}

describe("residual spans", () => {
  test("are the last blocks of each row, from the longest, with their share of the work", () => {
    const rows = rowsOf(residualNetwork());
    const named = rows.map((row) => row.map(({ from, to }) => `${from.name} ${to}`));
    assert.deepEqual(named, [
      ["first.relu three.relu", "one.relu three.relu", "two.relu three.relu"],
      ["between.relu four.relu"],
    ]);
    // Multiply-accumulates: 27 * 8 * 64 first, 72 * 8 * 64 a layer of a row, a quarter of that behind the stride, and 32 dense.
    const layer = 72 * 8;
    const all = 64 * (27 * 8 + 6 * layer) + 16 * 3 * layer + 32;
    const expected = [6, 4, 2].map((layers) => (64 * layers * layer) / all);
    for (const [i, { share }] of rows[0]!.entries())
      assert.ok(Math.abs(share - expected[i]!) < 1e-3, `${share}`);
  });

  test("are none where what is added is another value, or the shape changes", () => {
    const net = new Network();
    const first = net.relu(net.conv("first", net.x, 3, width));
    const other = net.conv("other", first, width, width, { kernel: 1 });
    const sum = net.relu(net.node("Add", "sum", [net.conv("a", first, width, width), other]));
    const scores = net.head(net.relu(net.conv("last", sum, width, width)), width);
    assert.deepEqual(rowsOf(net.done(scores)), []);
  });
});

describe("a network with gates", () => {
  const forms: readonly (readonly [string, () => Promise<Model>])[] = [
    ["float32", async () => residualNetwork()],
    [
      "8 bits",
      async () =>
        (await compress(residualNetwork(), options({ recipe: quantise({ kernels: "wherever-possible" }) })))
          .model,
    ],
  ];
  for (const [name, make] of forms) {
    test(`in ${name} gives each image what the blocks it takes give, in whatever company`, async () => {
      const straight = await make();
      const given = encodeModelBytes(straight);
      const gates = someGates(residualNetwork());
      const spans = gates.map(({ span }) => span);
      const x = pixels([7, 3, 8, 8]);
      const [never, always] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      const variants = [[], [spans[0]!], [spans[1]!], spans];
      const without: Float32Array[] = [];
      for (const some of variants)
        without.push((await outputs(withoutSpans(straight, some), x, unfused))[0]!);
      assert.ok(largestDifference(without[0]!, without[3]!) > 0.05, "the blocks do something");
      const at = (...thresholds: number[]) => seen(wireGates(straight, gates, thresholds), x);
      assertClose((await at(never, never)).scores, without[0]!, "past none");
      assertClose((await at(always, never)).scores, without[1]!, "past the first");
      assertClose((await at(never, always)).scores, without[2]!, "past the second");
      assertClose((await at(always, always)).scores, without[3]!, "past both");

      // The margins of the second depend on who went past the first.
      const first = (await at(never, never)).margins[0]!.toSorted();
      const level = (first[3]! + first[2]!) / 2;
      const second = (await at(level, never)).margins[1]!.toSorted();
      const levels = [level, (second[3]! + second[4]!) / 2];
      const { scores, margins } = await at(...levels);
      const taken = Array.from({ length: 7 }, (_, image) =>
        margins.map((each, i) => each[image]! > levels[i]!),
      );
      assert.ok(new Set(taken.map(String)).size > 2, "images go different ways");
      for (const [image, [one, two]] of taken.entries()) {
        assertClose(
          rowOf(scores, image),
          rowOf(without[Number(one) + 2 * Number(two)]!, image),
          `image ${image}`,
        );
        const alone = {
          ...x,
          dims: [1, 3, 8, 8],
          data: (x.data as Float32Array).slice(image * 192, (image + 1) * 192),
        };
        assertClose(
          (await outputs(wireGates(straight, gates, levels).model, alone, unfused))[0]!,
          rowOf(scores, image),
          "alone",
        );
      }
      assert.deepEqual(encodeModelBytes(straight), given, "the straight model is left as it was");
    });
  }

  for (const size of [1, 3]) {
    test(`of a model fixed to ${size} images answers alike`, async () => {
      const straight = residualNetwork([size, 3, 8, 8]);
      const open = residualNetwork();
      const gates = someGates(open);
      const x = pixels([size, 3, 8, 8]);
      const { margins } = await seen(wireGates(open, gates, [0, 0]), x);
      const level = margins[0]!.reduce((sum, each) => sum + each, 0) / size - (size === 1 ? 0.01 : 0);
      const [expected] = await outputs(wireGates(open, gates, [level, level]).model, x);
      assertClose(
        (await outputs(wireGates(straight, gates, [level, level]).model, x))[0]!,
        expected!,
        "scores",
      );
    });
  }
});

describe("the choice", () => {
  test("keeps gates that save what they cost where half of the images go past", () => {
    const gates = someGates(residualNetwork());
    // Each costs 1 ms: the first saves half of 4, the second half of 1.5.
    const times = { straightMs: 10, throughMs: 12, pastMs: [8, 10.5] };
    assert.deepEqual(worthTheirTime(gates, times), [gates[0]]);
    assert.deepEqual(worthTheirTime(gates, { ...times, pastMs: [10.01, 10] }), []);
  });

  test("opens every gate for the same share of the images, from few to nearly all", () => {
    const margins = [3, 5].map((seed) => {
      const random = createRandom(seed);
      return Float32Array.from({ length: 1000 }, () => seed * random.normal());
    });
    const all = thresholdsOf(margins);
    assert.equal(all.length, 20);
    for (const [step, thresholds] of all.entries()) {
      for (const [gate, threshold] of thresholds.entries()) {
        const past = margins[gate]!.filter((each) => each > threshold).length / 1000;
        assert.ok(Math.abs(past - (step + 0.5) / 20) < 0.002, `${past}`);
      }
    }
  });

  const point = (skipped: number, bound: number): GatePoint => {
    return { thresholds: [0], past: [skipped], skipped, right: 1, loss: 0, bound };
  };

  test("is the last before the bound is passed, though a later one keeps to it, and none that saves little", () => {
    const points = [point(0.1, 0.001), point(0.2, 0.002), point(0.3, 0.004), point(0.4, 0.003)];
    assert.equal(mostSkipping(points, 0.003), points[1]);
    assert.equal(mostSkipping(points, 0.004), points[3]);
    assert.equal(mostSkipping(points, 0.0005), null);
    assert.equal(mostSkipping([point(0.09, 0)], 0.1), null);
    assert.equal(mostSkipping([], 0.1), null);
  });
});

describe("the stages", () => {
  /** Of images of noise it finds three classes, and others without its blocks. */
  const varied = () => residualNetwork(["N", 3, 8, 8], 17);
  const recipe = (gates: object = {}, depth: object | null = { epochs: 2, batch: 16 }): Recipe =>
    parseRecipe(
      {
        stages: [
          { stage: "clean" },
          ...(depth ? [{ stage: "stochastic-depth", ...depth }] : []),
          { stage: "calibrate" },
          { stage: "quantise" },
          { stage: "gates", ...gates },
        ],
      },
      "test",
    );
  const training = noiseImages(128, { seed: 5 });

  test("train, choose and tell", async () => {
    const given = options({
      recipe: recipe({ maxDrop: 0.9 }, { epochs: 10, batch: 16, learningRate: 0.003, maxDrop: 1 }),
      training: noiseImages(1500, { seed: 5 }),
    });
    const { model, gates, notes } = await compress(varied(), given);
    const trained = notes.find((note) => note.startsWith("Trained for 10 epochs to do without"));
    const [more, less] =
      trained
        ?.match(/has ([\d.]+) % right, ([\d.]+) % before/)
        ?.slice(1)
        .map(Number) ?? [];
    assert.ok(more! > less! + 10, `${trained}`);
    const told = notes.find((note) => /Of \d+ images held out, so many (could )?go past/.test(note));
    assert.ok(told, notes.join("\n"));
    const branches = [...model.graph.nodes].filter((node) => node.is("If")).length;
    assert.ok(gates);
    assert.equal(branches, gates.written ? gates.spans.length : 0);
    assert.equal(gates.written, gates.chosen.averageMs < gates.times.straightMs);
    assert.ok(gates.chosen.bound <= 0.9 && gates.curve.length === 20);
    const { throughMs, pastMs } = gates.times;
    const saved = gates.chosen.past.reduce((sum, share, i) => sum + share * (throughMs - pastMs[i]!), 0);
    assert.ok(Math.abs(throughMs - saved - gates.chosen.averageMs) < 1e-9);
  });

  test("write a file that the checks accept, with what was chosen in its report", async () => {
    const path = join(folder, "float.onnx");
    const out = join(folder, "gates.onnx");
    await writeModelFile(residualNetwork(), path);
    const { check, gates, report } = await compressFile(path, {
      out,
      images: noiseImages(24, { labels: (index) => index % 4 }),
      evaluation: noiseImages(12, { seed: 9, labels: (index) => index % 4 }),
      training,
      preprocessing: plain(),
      recipe: recipe({ maxDrop: 0.9 }, null),
      allowChance: true,
      floor: null,
      threads: 1,
    });
    assert.equal(check.largestDifference, 0);
    assert.deepEqual(report?.stages?.gates, gates);
    const branches = [...(await readModelFile(out)).graph.nodes].filter((node) => node.is("If")).length;
    assert.equal(branches, gates?.written ? gates.spans.length : 0);
  });

  test("say what is missing", async () => {
    const net = new Network();
    const plainNetwork = net.done(net.head(net.relu(net.conv("first", net.x, 3, width)), width));
    for (const stages of [recipe(), recipe({}, null)]) {
      await refused(
        () => compress(plainNetwork, options({ recipe: stages, training })),
        "GATES_HAVE_NO_PLACE",
      );
      await refused(() => compress(residualNetwork(), options({ recipe: stages })), "TRAINING_IMAGES_NEEDED");
    }
    const few = await compress(
      residualNetwork(),
      options({ recipe: recipe({ maxDrop: 0.003 }, null), training }),
    );
    assert.equal(few.gates, null);
    assert.ok(
      few.notes.some((note) => note.startsWith("No image goes past a block")),
      few.notes.join("\n"),
    );
    const both = { stages: [...recipe().stages, { stage: "exits" }] };
    assert.throws(() => parseRecipe(both, "test"), /"gates" and "exits"/);
    const half = { stages: [{ stage: "stochastic-depth" }, { stage: "quantise", bits: 16 }] };
    assert.throws(() => parseRecipe(half, "test"), /the stage "clean" is missing/);
  });
});
