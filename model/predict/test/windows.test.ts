/** A classifier of small pictures that finds things in large ones. Its weights are a disc: a bright spot in the middle of the window is a spot. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { encodeModelBytes, Tensor } from "@cupel/onnx";
import { findInWindows, type KnownPredictor, openPredictor, type WindowOptions } from "@cupel/predict";
import type { Preprocessing, RawImage } from "@cupel/vision";
import { windowBoxes } from "../src/windows/window-boxes.ts";
import { cornersOf, windowGrid } from "../src/windows/window-grid.ts";
import { modelOf, node } from "./support/models.ts";

const window = 16;
const preprocessing: Preprocessing = {
  width: window,
  height: window,
  colour: "grey",
  resize: { kind: "stretch" },
  interpolation: "bilinear",
  layout: "NCHW",
  scale: 1 / 255,
  mean: [0],
  std: [1],
};

/** Logits 0 and 2 (bright pixels of the disc - half of them). */
const model = modelOf(
  (made, x) => {
    const disc = Array.from({ length: window * window }, (_, i) => {
      const [across, down] = [(i % window) - 7.5, Math.floor(i / window) - 7.5];
      return Number(across ** 2 + down ** 2 <= 9);
    });
    const pixels = disc.reduce((sum, each) => sum + each, 0);
    const weight = Tensor.float32(
      [window * window, 2],
      disc.flatMap((each) => [0, 2 * each]),
    );
    const weights = made.graph.addConstant("w", weight);
    const bias = made.graph.addConstant("b", Tensor.float32([2], [0, -pixels]));
    return node(made, "Gemm", "scores", node(made, "Flatten", "flat", x), weights, bias);
  },
  ["N", 1, window, window],
);

let predictor: KnownPredictor<"classification">;
before(async () => {
  predictor = await openPredictor(encodeModelBytes(model), {
    taskName: "classification",
    preprocessing,
    classes: ["ok", "spot"],
    threads: 1,
  });
});
after(() => predictor.close());

/** Black, with bright squares around these middles. */
function board(
  width: number,
  height: number,
  middles: readonly (readonly [number, number])[],
  side = 8,
): RawImage {
  const data = new Uint8Array(width * height);
  for (const [x, y] of middles) {
    for (let row = y - side / 2; row < y + side / 2; row++) {
      data.fill(255, row * width + x - side / 2, row * width + x + side / 2);
    }
  }
  return { kind: "raw", width, height, channels: 1, data };
}

const find = async (image: RawImage, options?: WindowOptions) =>
  (await findInWindows(image, "board", predictor, options)).boxes;

suite("things in a large picture", () => {
  test("are found where they are, once each, and nothing else is", async () => {
    const middles = [
      [20, 14],
      [57, 41],
      [30, 50],
    ] as const;
    const boxes = await find(board(80, 60, middles));
    assert.equal(boxes.length, middles.length);
    for (const [x, y] of middles) {
      const found = boxes.find(({ left, right }) => left <= x && x <= right)!;
      assert.equal(found.className, "spot");
      assert.ok(found.score > 0.5 && found.score <= 1);
      const middle = [(found.left + found.right) / 2, (found.top + found.bottom) / 2];
      assert.ok(Math.abs(middle[0]! - x) <= 1 && Math.abs(middle[1]! - y) <= 1, `${middle}`);
      assert.ok(Math.abs(found.right - found.left - window / 2) < 1e-9, "half of the window");
    }
    assert.deepEqual(await find(board(80, 60, [])), []);
  });

  test("are found at the edge, where a window sees the outermost pixels repeated", async () => {
    const [corner, ...others] = await find(board(60, 40, [[4, 4]]));
    assert.deepEqual(others, []);
    assert.deepEqual([corner!.left, corner!.top], [0, 0]);
    const [edge] = await find(board(60, 40, [[56, 20]]));
    assert.equal(edge!.right, 60);
    assert.ok(Math.abs((edge!.top + edge!.bottom) / 2 - 20) <= 1);
  });

  test("are found at another scale when they are larger, in pixels of the picture", async () => {
    const large = board(160, 120, [[100, 60]], 12);
    const [found, ...others] = await find(large, { scales: [0.5], size: 0.75 });
    assert.deepEqual(others, []);
    assert.ok(Math.abs((found!.left + found!.right) / 2 - 100) <= 2);
    assert.ok(Math.abs(found!.right - found!.left - 0.75 * 2 * window) < 1e-6);
    const both = await find(large, { scales: [1, 0.5] });
    assert.equal(both.length, 1);
  });

  test("boxes stay within the picture, also of one smaller than a window", async () => {
    const [found] = await find(board(10, 10, [[5, 5]]), { size: 2 });
    assert.deepEqual([found!.left, found!.top, found!.right, found!.bottom], [0, 0, 10, 10]);
  });

  test("without a background the class of nothing is found too", async () => {
    const [first] = await find(board(24, 24, []), { background: null });
    assert.equal(first!.className, "ok");
    assert.deepEqual(await find(board(24, 24, []), { background: "ok" }), []);
    const rest = await find(board(40, 40, [[20, 20]]), { background: "spot" });
    assert.ok(rest.length > 0 && rest.every(({ className }) => className === "ok"));
  });

  test("the least score decides what is told, and a picture of too many windows is refused", async () => {
    const image = board(80, 60, [[21, 15]], 6);
    const [best] = await find(image, { threshold: 0.1 });
    assert.ok(best!.score < 0.99);
    assert.equal((await find(image, { threshold: best!.score }))[0]!.score, best!.score);
    assert.deepEqual(await find(image, { threshold: best!.score + 1e-6 }), []);
    const limited = findInWindows(image, "board", predictor, { mostWindows: 500 });
    await assert.rejects(limited, {
      code: "OPTION_INVALID",
      message: /^A picture of 80 x 60 pixels has 1271 windows 2 pixels apart/,
    });
  });

  test("options that make no sense are named", async () => {
    for (const [options, message] of [
      [{ stride: 0 }, /"stride"/],
      [{ scales: [] }, /"scales"/],
      [{ scales: [0] }, /"scales"/],
      [{ threshold: 2 }, /"threshold"/],
      [{ size: [0.5] }, /"size"/],
      [{ background: "bad" }, /"background".*"bad"/],
    ] as const) {
      await assert.rejects(find(board(20, 20, []), options), { code: "OPTION_INVALID", message });
    }
  });
});

suite("the grid of windows", () => {
  test("has its middles from edge to edge, a step apart", () => {
    const grid = windowGrid({ width: 21, height: 15 }, { width: 8, height: 8 }, 5);
    assert.deepEqual(grid.columns, [-4, 1, 6, 11, 16, 17]);
    assert.deepEqual(grid.rows, [-4, 1, 6, 11]);
    assert.deepEqual(cornersOf(grid)[7], { left: 1, top: 1 });
  });

  test("a window that alone says a thing is not believed as one whose neighbours agree", () => {
    const grid = windowGrid({ width: 16, height: 16 }, { width: 8, height: 8 }, 1);
    const columns = grid.columns.length;
    const probabilities = new Float32Array(columns * columns * 2);
    const at = (column: number, row: number) => (row * columns + column) * 2 + 1;
    probabilities[at(3, 3)] = 0.9;
    for (const row of [9, 10, 11]) for (const column of [11, 12, 13]) probabilities[at(column, row)] = 0.9;
    const options = { background: 0, shares: [0.5, 0.5] };
    const scored = [{ grid, probabilities, classes: 2, scale: { x: 1, y: 1 } }];
    const [best, ...others] = windowBoxes(scored, { ...options, threshold: 0.55 });
    assert.deepEqual(others, []);
    assert.ok(Math.abs(best!.score - 0.9) < 1e-6);
    assert.deepEqual([best!.left, best!.top, best!.right, best!.bottom], [10, 8, 14, 12]);
    const weak = windowBoxes(scored, { ...options, threshold: 0.05 });
    assert.ok(weak.some(({ score, left }) => left < 3 && Math.abs(score - (0.9 + 0.1) / 2) < 1e-6));
  });
});
