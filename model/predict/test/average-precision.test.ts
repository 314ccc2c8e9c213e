/** Boxes against labels, and against each other: the figures are those of pycocotools 2.0.11 and torchvision 0.29.2. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  type LabelledBox,
  type MeasuredImage,
  matchImages,
  meanAveragePrecision,
} from "../src/detection/average-precision.ts";
import { intersectionOverUnion } from "../src/detection/box.ts";
import { boxAgreement } from "../src/detection/box-agreement.ts";
import type { DetectionPrediction } from "../src/detection/prediction.ts";
import { suppress } from "../src/detection/suppress.ts";
import { labelledBoxes, scoredBoxes } from "./support/boxes.ts";

type Row = readonly number[];

const edges = ([, , left = 0, top = 0, width = 0, height = 0]: Row) => ({
  left,
  top,
  right: left + width,
  bottom: top + height,
});
const label = (row: Row): LabelledBox => ({ classIndex: row[1]!, isCrowd: row[6] === 1, ...edges(row) });
const scored = (row: Row) => ({ classIndex: row[1]!, score: row[6]!, ...edges(row) });

const images: readonly MeasuredImage[] = Array.from({ length: 8 }, (_, image) => ({
  labels: labelledBoxes.filter(([of]) => of === image).map(label),
  boxes: scoredBoxes.filter(([of]) => of === image).map(scored),
}));

const near = (value: number | undefined, expected: number, what: string) =>
  assert.ok(value !== undefined && Math.abs(value - expected) < 1e-9, `${what}: ${value}, not ${expected}`);

suite("mean average precision", () => {
  test("is COCO's, crowds and classes one by one included", () => {
    const found = meanAveragePrecision(matchImages(images))!;
    near(found.ap, 0.22864382866858116, "AP 0.5:0.95");
    near(found.ap50, 0.5128595002357379, "AP 0.5");
    for (const [classIndex, [ap50 = 0, ap = 0]] of [
      [0.3039603960396039, 0.13308730873087307],
      [0.4434818481848184, 0.23557873644507307],
      [0.7911362564827911, 0.3172654408297972],
    ].entries()) {
      near(found.byClass.get(classIndex)?.ap50, ap50, `AP 0.5 of ${classIndex}`);
      near(found.byClass.get(classIndex)?.ap, ap, `AP of ${classIndex}`);
    }
  });

  test("of images that count twice is that of the images given twice", () => {
    const times = images.map((_, i) => (i % 3 === 0 ? 2 : 1));
    const twice = images.flatMap((image, i) => Array.from({ length: times[i]! }, () => image));
    const weighted = meanAveragePrecision(matchImages(images), times)!;
    const given = meanAveragePrecision(matchImages(twice))!;
    // Equals in score stand in another order, which moves a precision by a little.
    assert.ok(Math.abs(weighted.ap - given.ap) < 0.02, `${weighted.ap} and ${given.ap}`);
  });

  test("is 1 of the labels themselves, 0 without boxes, and none without labels", () => {
    const perfect = images.map(({ labels }) => ({
      labels,
      boxes: labels.filter(({ isCrowd }) => !isCrowd).map((each) => ({ ...each, score: 0.9 })),
    }));
    near(meanAveragePrecision(matchImages(perfect))?.ap, 1, "the labels");
    near(meanAveragePrecision(matchImages(images.map((each) => ({ ...each, boxes: [] }))))?.ap, 0, "none");
    assert.equal(meanAveragePrecision(matchImages(images.map((each) => ({ ...each, labels: [] })))), null);
  });
});

suite("non-maximum suppression", () => {
  const all = scoredBoxes.map((row, index) => ({ index, ...scored(row) }));
  for (const [iou, kept] of [
    [0.1, [11, 29, 25, 23, 0, 14, 4, 15, 17, 27, 1, 13, 8, 19]],
    [0.3, [11, 29, 25, 23, 0, 14, 4, 15, 17, 27, 1, 21, 18, 13, 8, 19, 31, 28]],
    [
      0.5,
      [11, 29, 25, 23, 0, 14, 4, 15, 17, 27, 1, 21, 20, 22, 18, 13, 12, 24, 8, 9, 19, 3, 2, 31, 7, 28, 5, 16],
    ],
  ] as const) {
    test(`at an overlap of ${iou} keeps what torchvision's batched_nms keeps`, () => {
      const found = suppress(all, { iou, most: 300 }).map(({ index }) => index);
      assert.deepEqual(
        found.toSorted((a, b) => a - b),
        kept.toSorted((a, b) => a - b),
      );
    });
  }

  test("keeps no more than the most, the best of them", () => {
    assert.deepEqual(
      suppress(all, { iou: 0.1, most: 3 }).map(({ index }) => index),
      [11, 29, 25],
    );
  });
});

test("boxes without area overlap nothing", () => {
  const line = { left: 3, top: 3, right: 3, bottom: 9 };
  assert.equal(intersectionOverUnion(line, line), 0);
});

suite("the agreement of two models", () => {
  const predictions: DetectionPrediction[] = images.map(({ boxes }) => ({
    boxes: boxes.map((box) => ({ ...box, className: null })),
    size: { width: 300, height: 300 },
  }));

  test("with itself is whole, with an interval as wide as few images leave it", () => {
    const own = boxAgreement(predictions.map((each) => [each, each]));
    assert.equal(own.f1, 1);
    assert.equal(own.high, 1);
    assert.ok(own.low > 0.5 && own.low < 1, `${own.low}`);
    assert.equal(own.first, scoredBoxes.filter(([, , , , , , score = 0]) => score >= 0.25).length);
  });

  test("counts a box of another class, a box moved away and a missing one", () => {
    const box = { left: 0, top: 0, right: 10, bottom: 10, classIndex: 0, className: null, score: 0.9 };
    const of = (...boxes: (typeof box)[]) => ({ boxes, size: { width: 99, height: 99 } });
    const { f1, low, high, pairs } = boxAgreement([
      [of(box), of(box)],
      [of(box), of({ ...box, classIndex: 1 })],
      [of(box), of({ ...box, left: 6, right: 16 })],
      [of(box, { ...box, left: 50, right: 60 }), of(box)],
      [of(), of()],
    ]);
    assert.equal(pairs, 2);
    // 2 * 2 of the 5 and 4 boxes.
    assert.ok(Math.abs(f1 - 4 / 9) < 1e-12);
    assert.ok(low >= 0 && low < f1 && high > f1 && high <= 1);
  });

  test("of no boxes is not a number", () => {
    const none = { boxes: [], size: { width: 9, height: 9 } };
    assert.ok(Number.isNaN(boxAgreement([[none, none]]).f1));
  });
});
