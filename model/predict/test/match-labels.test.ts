/** Which labels can be classes of a model, against a rule written out here. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { matchLabels, namedBy, requireLabels, withoutLabels } from "@cupel/predict";
import fc from "fast-check";
import { noiseImages } from "./support/images.ts";
import { refused } from "./support/refused.ts";

interface Case {
  readonly labels: readonly number[];
  readonly names: readonly string[] | null;
  readonly count: number | null;
}

const cases: fc.Arbitrary<Case> = fc.record({
  labels: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 30 }),
  names: fc.option(fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 12 })),
  count: fc.option(fc.integer({ min: 1, max: 12 })),
});

const imagesOf = ({ labels, names }: Pick<Case, "labels" | "names">) =>
  noiseImages(labels.length, { classes: names, labelled: true, label: (index) => labels[index]! });

test("labels match when each is a class and there are as many names as classes, and keep their order", () => {
  fc.assert(
    fc.property(cases, (given) => {
      const { labels, names, count } = given;
      const match = matchLabels(imagesOf(given), { count, names: null });
      const fits =
        count === null ||
        ((names === null || names.length === count) && labels.every((label) => label < count));
      assert.equal(match.problem === null, fits, match.problem ?? "");
      if (match.images === null) return;
      const { images } = match;
      assert.deepEqual(
        labels.map((_, i) => images.label(i)),
        labels,
      );
    }),
  );
});

test("images without labels match every model", () => {
  fc.assert(
    fc.property(cases, (given) => {
      const images = withoutLabels(imagesOf(given));
      assert.equal(matchLabels(images, { count: given.count, names: null }).problem, null);
      assert.ok(given.labels.every((_, i) => images.label(i) === null));
      assert.deepEqual([images.labelled, images.classes], [false, null]);
    }),
  );
});

test("a mismatch says where and what", async () => {
  const two = { count: 2, names: null };
  await refused(
    () => requireLabels(imagesOf({ labels: [0, 1], names: ["a", "b", "c"] }), two),
    "LABELS_MISMATCH",
    /^noise has 3 classes, but the model tells 2 apart\. /,
  );
  await refused(
    () => requireLabels(imagesOf({ labels: [0, 4, 7], names: null }), two),
    "LABELS_MISMATCH",
    /^noise has labels for 8 classes, but the model tells 2 apart: label 4 of noise 1 /,
  );
});

test("classes are named by the model, else by the first images with as many names", () => {
  const [two, three] = [
    ["a", "b"],
    ["c", "d", "e"],
  ].map((names) => imagesOf({ labels: [], names }));
  const own = ["x", "y", "z"];
  assert.deepEqual(namedBy({ count: 3, names: own }, [three!]).names, own);
  assert.deepEqual(namedBy({ count: 3, names: null }, [two!, three!]).names, ["c", "d", "e"]);
  assert.deepEqual(namedBy({ count: 4, names: null }, [two!, three!]).names, null);
  assert.deepEqual(namedBy({ count: null, names: null }, [two!, three!]).names, ["a", "b"]);
});
