import assert from "node:assert/strict";
import test from "node:test";
import type { ChangedImage } from "@cupel/report";
import { byOutcome, outcomeCounts, outcomeOf } from "../pages/report/view/changed-outcome.ts";
import { className, confusionChanges } from "../pages/report/view/confusion-changes.ts";
import { labelAlign, tradeOffFront } from "../pages/report/view/trade-off-front.ts";
import { resNetReport } from "./fixture/reports.ts";

test("only cells that changed are listed, the largest change first, right predictions before wrong ones", () => {
  const { accuracy } = resNetReport();
  assert.ok(accuracy);
  const changes = confusionChanges({
    ...accuracy,
    classes: ["a", "b"],
    confusion: [
      { label: 0, prediction: 0, original: 10, compressed: 10 },
      { label: 0, prediction: 1, original: 0, compressed: 2 },
      { label: 1, prediction: 1, original: 9, compressed: 7 },
      { label: 1, prediction: 0, original: 4, compressed: 9 },
    ],
  });
  assert.deepEqual(
    changes.map(({ label, prediction, right, change }) => [label, prediction, right, change]),
    [
      ["b", "a", false, 5],
      ["b", "b", true, -2],
      ["a", "b", false, 2],
    ],
  );
});

test("a class without a name is called by its number", () => {
  assert.equal(className(undefined, 3), "class 3");
  assert.equal(className(["a"], 0), "a");
});

test("lost images come first and every outcome is told apart", () => {
  const image = (label: number | null, before: number, after: number): ChangedImage => ({
    id: `${label}/${before}/${after}`,
    label,
    original: { prediction: before, probability: 0.5 },
    compressed: { prediction: after, probability: 0.5 },
    thumbnail: "data:,",
  });
  const images = [image(null, 1, 2), image(1, 2, 3), image(1, 2, 1), image(1, 1, 2)];
  const expected = ["lost", "gained", "wrong-either-way", "unlabelled"];
  assert.deepEqual(byOutcome(images).map(outcomeOf), expected);
  assert.deepEqual(outcomeCounts(images.slice(3)), [{ outcome: "lost", count: 1 }]);
});

test("the front holds what no other point beats in both size and loss", () => {
  const point = (bytes: number, loss: number) => ({ bytes, loss, chosen: false });
  const front = tradeOffFront([point(3, 0.1), point(1, 0.5), point(2, 0.6), point(4, 0.1), point(2, 0.3)]);
  assert.deepEqual(
    front.map(({ bytes, loss }) => [bytes, loss]),
    [
      [1, 0.5],
      [2, 0.3],
      [3, 0.1],
    ],
  );
});

test("the label of the chosen point runs away from the nearer edge of the chart", () => {
  const points = (chosen: number) =>
    [10, 12, 20].map((bytes, index) => ({ bytes, loss: 0.1, chosen: index === chosen }));
  assert.deepEqual(
    [0, 1, 2].map((chosen) => labelAlign(points(chosen))),
    ["left", "left", "right"],
  );
});
