import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAboveChance, chanceOf, chanceSentence } from "@cupel/predict";
import { plain } from "./support/images.ts";
import { refused } from "./support/refused.ts";

/** `counts[k]` labels of class k. */
const labels = (...counts: number[]) => counts.flatMap((count, k) => Array.from({ length: count }, () => k));

test("at chance is an accuracy whose whole interval is not above the largest class's share", () => {
  // Upper 95 % bounds after Wilson: 10 of 100 is 17.44 %, 17 of 100 is 25.55 %; 30 of 100 is at least 21.89 %.
  assert.equal(chanceOf(10, labels(20, 20, 20, 20, 20)).verdict, "at");
  assert.equal(chanceOf(17, labels(20, 20, 20, 20, 20)).verdict, "untold");
  assert.equal(chanceOf(30, labels(20, 20, 20, 20, 20)).verdict, "above");
  // Naming the largest class is right on 90 %: 88 % is no achievement.
  assert.equal(chanceOf(80, labels(90, 10)).verdict, "at");
  assert.equal(chanceOf(88, labels(90, 10)).verdict, "untold");
});

test("images of one class, or too few, do not tell", () => {
  assert.equal(chanceOf(50, labels(50)).verdict, "untold");
  assert.equal(chanceOf(0, labels(50)).verdict, "untold");
  assert.match(chanceSentence("m", chanceOf(50, labels(50)))!, /all of one class/);
  const few = chanceOf(2, labels(2, 2, 2));
  assert.match(chanceSentence("m", few)!, /right on 2 of 6 .* 33\.3 %.*do not tell the two apart/);
  assert.equal(chanceSentence("m", chanceOf(30, labels(20, 20))), null);
});

test("hundreds of thousands of classes are counted", () => {
  const { largestClass } = chanceOf(1, [0, ...Array.from({ length: 300_000 }, (_, i) => i)]);
  assert.equal(largestClass, 2 / 300_001);
});

test("images without labels are no part of it", () => {
  const { accuracy, largestClass } = chanceOf(3, [0, null, 1, null, 1, 0]);
  assert.deepEqual([accuracy.count, accuracy.of, largestClass], [3, 4, 0.5]);
});

test("a model at chance is refused with its figures and what to look at", async () => {
  const chance = chanceOf(10, labels(20, 20, 20, 20, 20));
  const work = () => assertAboveChance("m.onnx", chance, { preprocessing: plain, origin: "guessed" });
  await refused(
    work,
    "ACCURACY_AT_CHANCE",
    /10\.0 % of 100 .*17\.4 %.*20\.0 %.*guessed from the input shape/,
  );
  assertAboveChance("m.onnx", chanceOf(17, labels(20, 20, 20, 20, 20)), {
    preprocessing: plain,
    origin: "given",
  });
});
