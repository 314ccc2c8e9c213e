/** Training a network to do without its residual blocks. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRandom } from "@cupel/base";
import { cloneModel, encodeModel, encodeModelBytes, Tensor } from "@cupel/onnx";
import { float32Of, openSession } from "@cupel/runtime";
import { droppableBlocks, dropSome, withTrained } from "../src/gates/droppable-blocks.ts";
import { withoutSpans } from "../src/gates/wire-gates.ts";
import { compress, parseRecipe } from "../src/index.ts";
import { options, pixels } from "./support/compressing.ts";
import { noiseImages } from "./support/images.ts";
import { assertClose, residualNetwork, rowOf, rowsOf } from "./support/residual.ts";
import { outputs } from "./support/run.ts";

describe("droppable blocks", () => {
  test("with every one kept are the network, and dropped blocks are those left out, image by image", async () => {
    const network = residualNetwork();
    const rows = rowsOf(network);
    const droppable = droppableBlocks(network, rows);
    assert.deepEqual(
      droppable.keeps.map((row) => row.length),
      [3, 1],
    );
    const x = pixels([3, 3, 8, 8]);
    const masks = [
      [1, 1, 1],
      [1, 0, 1],
      [1, 0, 1],
      [1, 1, 0],
    ];
    const keeps = Object.fromEntries(
      droppable.keeps
        .flat()
        .map((name, i) => [
          name,
          { type: "float32", dims: [3, 1, 1, 1], data: Float32Array.from(masks[i]!) } as const,
        ]),
    );
    await using session = await openSession(encodeModel(droppable.model), { threads: 1 });
    const scores = float32Of((await session.run({ x, ...keeps })).scores!);
    const ways = [[], [rows[0]![1]!], [rows[1]![0]!]];
    for (const [image, some] of ways.entries()) {
      const [expected] = await outputs(withoutSpans(network, some), x);
      assertClose(rowOf(scores, image), rowOf(expected!, image), `image ${image}`);
    }
  });

  test("are dropped from the end of a row, of the share that is asked for, and none of a quarter of the images", () => {
    const droppable = droppableBlocks(residualNetwork(), rowsOf(residualNetwork()));
    const images = 4000;
    const feeds = dropSome(droppable, images, { share: 0.5, random: createRandom(1) });
    const of = (name: string) => feeds[name]!.data as Float32Array;
    const [row, [single]] = droppable.keeps.map((names) => names.map(of)) as [Float32Array[], Float32Array[]];
    for (let image = 0; image < images; image++) {
      const kept = row.map((each) => each[image]!);
      assert.deepEqual(
        kept,
        kept.toSorted((a, b) => b - a),
        "once one is dropped, so are those behind it",
      );
      if (image < images / 4) assert.deepEqual([...kept, single![image]], [1, 1, 1, 1]);
    }
    const dropped = (each: Float32Array) => each.filter((keep) => keep === 0).length / (0.75 * images);
    // Three standard deviations of 3000 throws: 0.027.
    for (const [i, expected] of [0.5 / 3, 1 / 3, 0.5].entries()) {
      assert.ok(Math.abs(dropped(row[i]!) - expected) < 0.03, `block ${i}: ${dropped(row[i]!)}`);
    }
    assert.ok(Math.abs(dropped(single!) - 0.5) < 0.03);
  });

  test("give back the trained numbers by name, and nothing else", async () => {
    const network = residualNetwork();
    const { model: trained } = droppableBlocks(network, rowsOf(network));
    const weight = trained.graph.value("between.weight")!;
    const doubled = Tensor.float32(
      weight.constant!.dims,
      weight.constant!.toFloat32().map((each) => 2 * each),
    );
    trained.graph.setConstant(weight, doubled);
    const expected = cloneModel(network);
    expected.graph.setConstant(expected.graph.value("between.weight")!, doubled);
    const before = encodeModelBytes(network);
    assert.deepEqual(encodeModelBytes(withTrained(network, trained)), encodeModelBytes(expected));
    assert.deepEqual(encodeModelBytes(network), before, "the network is left as it was");
  });
});

test("a network that training costs too much stays as it was", async () => {
  const recipe = (...depth: object[]) =>
    parseRecipe(
      { stages: [{ stage: "clean" }, ...depth, { stage: "calibrate" }, { stage: "quantise" }] },
      "test",
    );
  const training = noiseImages(128, { seed: 5 });
  const depth = { stage: "stochastic-depth", epochs: 1, batch: 16, learningRate: 0.5 };
  const { model, notes } = await compress(residualNetwork(), options({ recipe: recipe(depth), training }));
  assert.ok(
    notes.some((note) => note.endsWith("That costs too much, and was left out.")),
    notes.join("\n"),
  );
  const alone = await compress(residualNetwork(), options({ recipe: recipe() }));
  assert.deepEqual(encodeModelBytes(model), encodeModelBytes(alone.model));
});
