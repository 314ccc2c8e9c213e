/** In which form a detector gives its boxes: recognised by metadata or shape, said in words, and read to the same boxes. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Model, tensorType, Value } from "@cupel/onnx";
import type { TensorData, ValueInfo } from "@cupel/runtime";
import { recognisedHead } from "../src/detection/detector-heads.ts";
import { gridOf } from "../src/detection/grids.ts";

type Dims = readonly (number | string)[];

const output = (name: string, dims: Dims, type: ValueInfo["type"] = "float32"): ValueInfo => ({
  name,
  type,
  dims,
});

function modelOf(side: number | null, metadata: Readonly<Record<string, string>> = {}): Model {
  const model = new Model({
    irVersion: 8,
    opsets: new Map([["", 13]]),
    metadata: new Map(Object.entries(metadata)),
  });
  const x = model.graph.add(new Value("x", tensorType("float32", [1, 3, side ?? "h", side ?? "w"])));
  model.graph.inputs.push(x);
  return model;
}

const ultralytics = (task: string, names: string, more = {}): Record<string, string> => ({
  task,
  names,
  stride: "32",
  imgsz: "[64, 64]",
  ...more,
});
const labels = (...names: string[]) => ({ "cupel.labels": JSON.stringify(names) });

const tensor = (dims: readonly number[], values: readonly number[]): TensorData => ({
  type: "float32",
  dims,
  data: Float32Array.from(values),
});
const whole = (dims: readonly number[], values: readonly number[]): TensorData => ({
  type: "int64",
  dims,
  data: BigInt64Array.from(values, BigInt),
});

/** 64 x 64 has 64 + 16 + 4 cells at the strides of 8, 16 and 32. */
const cells = 84;

suite("what is recognised", () => {
  test("cells are counted", () => {
    const of = (boxes: number, width: number, height = width) => {
      const { strides, anchors } = gridOf(boxes, { width, height }) ?? { strides: [], anchors: 0 };
      return [strides.length, anchors];
    };
    // 8400 and 25200 are the figures of every YOLO export at 640; 34000 has the finer grid of P2.
    assert.deepEqual(
      [of(8400, 640), of(25200, 640), of(34000, 640), of(6300, 640, 480)],
      [
        [3, 1],
        [3, 3],
        [4, 1],
        [3, 1],
      ],
    );
    assert.deepEqual(
      [of(8401, 640), of(197, 224)],
      [
        [0, 0],
        [0, 0],
      ],
    );
  });

  for (const [what, side, outputs, metadata, saying] of [
    ["YOLO v8 by its count", 640, [output("o", [1, 84, 8400])], {}, /v8 to v12.* 80 class scores/],
    ["YOLO v5 by its count", 640, [output("o", [1, 25200, 85])], {}, /v3 to v7.*objectness and 80/],
    ["YOLOX by its count", 640, [output("o", [1, 8400, 85])], {}, /anchor-free YOLOX.* 80/],
    ["YOLO v10", 640, [output("o", [1, 300, 6])], {}, /without overlaps/],
    ["one class", 640, [output("o", [1, 5, 8400])], {}, / 1 class scores/],
    [
      "ultralytics, any size",
      null,
      [output("o", ["b", 6, "n"])],
      ultralytics("detect", "{0: 'a', 1: 'b'}"),
      / 2 class/,
    ],
    [
      "ultralytics' masks, whose coefficients are no classes",
      64,
      [output("o", [1, 38, cells]), output("p", [1, 32, 16, 16])],
      ultralytics("segment", "{0: 'a', 1: 'b'}"),
      / 2 class scores.*32 more numbers/,
    ],
    [
      "the same with indices for names",
      64,
      [output("o", [1, 38, cells]), output("p", [1, 32, 16, 16])],
      ultralytics("segment", "{0: '0', 1: '1'}"),
      / 2 class scores.*32 more numbers/,
    ],
    [
      "ultralytics with its own suppression",
      64,
      [output("o", [1, 300, 6])],
      ultralytics("detect", "{0: 'a'}", { args: "{'nms': True, 'batch': 1}" }),
      /without overlaps/,
    ],
    [
      "rows without objectness, by the names",
      64,
      [output("o", [1, cells, 6])],
      labels("a", "b"),
      /without objectness.* 2/,
    ],
    [
      "rows with it, by the names",
      64,
      [output("o", [1, 3 * cells, 7])],
      labels("a", "b"),
      /objectness and 2/,
    ],
    [
      "torchvision",
      640,
      [output("boxes", ["n", 4]), output("labels", ["n"], "int64"), output("scores", ["n"])],
      {},
      /lists of boxes/,
    ],
    [
      "EfficientNMS",
      640,
      [
        output("num_dets", [1, 1], "int32"),
        output("det_boxes", [1, 100, 4]),
        output("det_scores", [1, 100]),
        output("det_classes", [1, 100], "int32"),
      ],
      {},
      /EfficientNMS/,
    ],
    [
      "SSD",
      300,
      [output("scores", [1, 4420, 2]), output("boxes", [1, 4420, 4])],
      {},
      /2 scores each, the first of the background/,
    ],
    ["PP-YOLOE", 640, [output("b", [1, 8400, 4]), output("s", [1, 80, 8400])], {}, /80 scores each \(/],
    [
      "NonMaxSuppression",
      640,
      [output("i", ["k", 3], "int64"), output("b", [1, 50, 4]), output("s", [1, 2, 50])],
      {},
      /NonMaxSuppression/,
    ],
  ] as const) {
    test(what, () => {
      const head = recognisedHead({ outputs, model: modelOf(side, metadata) });
      assert.match(head?.sentence ?? "nothing", saying);
    });
  }

  for (const [what, outputs, metadata] of [
    ["tokens of a transformer", [output("o", [1, 197, 768])], {}],
    ["tokens the other way round", [output("o", [1, 768, 3136])], {}],
    ["a line of characters", [output("o", [1, 40, 6625])], {}],
    ["a row of scores", [output("o", [1, 1000])], {}],
    ["a map", [output("o", [1, 21, 224, 224])], {}],
    ["four numbers a row, no score", [output("rows", ["rows", 4])], {}],
    ["turned boxes", [output("o", [1, 7, 1029])], ultralytics("obb", "{0: 'a', 1: 'b'}")],
  ] as const) {
    test(`not ${what}`, () => {
      assert.equal(recognisedHead({ outputs, model: modelOf(224, metadata) }), null);
    });
  }
});

/** One box of class 1 in an image of 64 x 64: left 10, top 20, right 30, bottom 60. */
const expected = { classIndex: 1, left: 10, top: 20, right: 30, bottom: 60 };
const size = { width: 64, height: 64 };

/** Rows of nothing, the box in row `at`. */
function table(count: number, row: readonly number[], at = 5): number[] {
  return Array.from({ length: count }, (_, i) => (i === at ? row : row.map(() => 0))).flat();
}

function transposed(values: readonly number[], columns: number): number[] {
  const rows = values.length / columns;
  return Array.from(
    { length: values.length },
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!,
  );
}

suite("the same box is read", () => {
  const centre = [20, 40, 20, 40];
  const shares = [10 / 64, 20 / 64, 30 / 64, 60 / 64];
  /** The cell of x 2 and y 5 at the stride of 8. */
  const cell = 5 * 8 + 2;
  const relative = [20 / 8 - 2, 40 / 8 - 5, Math.log(20 / 8), Math.log(40 / 8)];
  const yoloX = table(cells, [...relative, 0.9, 0, 1], cell).map((value, i) =>
    i % 7 === 2 && value === 0 ? -1 : value,
  );

  for (const [what, outputs, tensors, score, more] of [
    [
      "YOLO v8",
      [output("o", [1, 6, cells])],
      [tensor([1, 6, cells], transposed(table(cells, [...centre, 0, 0.9]), 6))],
      0.9,
      {},
    ],
    [
      "YOLO v5",
      [output("o", [1, 3 * cells, 7])],
      [tensor([1, 3 * cells, 7], table(3 * cells, [...centre, 0.9, 0, 0.5]))],
      0.45,
      {},
    ],
    ["YOLOX, relative to its cells", [output("o", [1, cells, 7])], [tensor([1, cells, 7], yoloX)], 0.9, {}],
    [
      "YOLO v10",
      [output("o", [1, 300, 6])],
      [tensor([1, 300, 6], table(300, [10, 20, 30, 60, 0.9, 1]))],
      0.9,
      {},
    ],
    [
      "torchvision",
      [output("boxes", ["n", 4]), output("labels", ["n"], "int64"), output("scores", ["n"])],
      // In the order of roles: boxes, scores, labels.
      [tensor([1, 4], [10, 20, 30, 60]), tensor([1], [0.9]), whole([1], [1])],
      0.9,
      {},
    ],
    [
      "EfficientNMS, whose count is believed",
      [
        output("num_dets", [1, 1], "int32"),
        output("b", [1, 2, 4]),
        output("scores", [1, 2]),
        output("classes", [1, 2], "int32"),
      ],
      [
        whole([1, 1], [1]),
        tensor([1, 2, 4], [10, 20, 30, 60, 1, 1, 9, 9]),
        tensor([1, 2], [0.9, 0.8]),
        whole([1, 2], [1, 0]),
      ],
      0.9,
      {},
    ],
    [
      "TensorFlow: shares, y first, classes from 1",
      [
        output("num_detections", [1]),
        output("detection_boxes", [1, 1, 4]),
        output("detection_scores", [1, 1]),
        output("detection_classes", [1, 1]),
      ],
      [
        tensor([1], [1]),
        tensor([1, 1, 4], [shares[1]!, shares[0]!, shares[3]!, shares[2]!]),
        tensor([1, 1], [0.9]),
        tensor([1, 1], [2]),
      ],
      0.9,
      {},
    ],
    [
      "SSD: shares, the background first",
      [output("boxes", [1, 2, 4]), output("scores", [1, 2, 3])],
      [tensor([1, 2, 4], [...shares, 0, 0, 1, 1]), tensor([1, 2, 3], [0.1, 0, 0.9, 1, 0, 0])],
      0.9,
      {},
    ],
    [
      "PP-YOLOE",
      [output("b", [1, 3, 4]), output("s", [1, 2, 3])],
      [tensor([1, 3, 4], table(3, [10, 20, 30, 60], 2)), tensor([1, 2, 3], [0, 0, 0, 0, 0, 0.9])],
      0.9,
      {},
    ],
    [
      "NonMaxSuppression: y first, filled up with -1, another image's left out",
      [output("i", ["k", 3], "int64"), output("b", [1, 2, 4]), output("s", [1, 2, 2])],
      [
        whole([3, 3], [0, 1, 1, 1, 0, 0, -1, -1, -1]),
        tensor([1, 2, 4], [0, 0, 64, 64, 20, 10, 60, 30]),
        tensor([1, 2, 2], [0, 0, 0, 0.9]),
      ],
      0.9,
      {},
    ],
  ] as const) {
    test(what, () => {
      const head = recognisedHead({ outputs, model: modelOf(64, more) });
      assert.ok(head);
      const found = head.read(tensors, 0, size);
      assert.equal(found.length, 1, JSON.stringify(found));
      const { score: itsScore, ...box } = found[0]!;
      assert.ok(Math.abs(itsScore - score) < 1e-6, `score ${itsScore}`);
      for (const [key, value] of Object.entries(expected)) {
        const own = new Map(Object.entries(box)).get(key)!;
        assert.ok(Math.abs(own - value) < 1e-4, `${key}: ${own}, not ${value}`);
      }
    });
  }

  test("of the second image of a run as of the first", () => {
    const outputs = [output("o", [2, 6, cells])];
    const one = transposed(table(cells, [...centre, 0, 0.9]), 6);
    const two = tensor([2, 6, cells], [...one.map(() => 0), ...one]);
    const head = recognisedHead({ outputs, model: modelOf(64) })!;
    assert.deepEqual(head.read([two], 0, size), []);
    assert.equal(head.read([two], 1, size)[0]?.bottom, 60);
  });
});
