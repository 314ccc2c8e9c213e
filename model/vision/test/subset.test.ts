import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sample, subset } from "../src/index.ts";
import { level, refused, sourceOf } from "./fixtures.ts";
import { classesOf, classSizes, countsOf, ids } from "./labelled.ts";

test("a subset has the chosen images in the order chosen", async () => {
  const source = sourceOf([level(5), level(6), level(7)], { labels: [0, 1, 2] });
  const part = subset(subset(source, [2, 0]), [1]);
  assert.deepEqual([part.length, part.id(0), part.label(0)], [1, "image 0", 0]);
  assert.deepEqual(await part.image(0), level(5));
});

test("a sample holds every class in proportion, to within rounding", () => {
  fc.assert(
    fc.property(
      classSizes(6, 30),
      fc.double({ min: 0.05, max: 1, noNaN: true }),
      fc.nat(),
      (sizes, fraction, seed) => {
        const source = classesOf(...sizes);
        const count = Math.max(1, Math.floor(source.length * fraction));
        const part = sample(source, count, seed);
        assert.equal(new Set(ids(part)).size, count);
        // Systematic sampling: each class is cut at one common key, which differs from the share by
        // what rounding the other classes leaves over, spread over all of them.
        countsOf(part, sizes.length).forEach((found, label) => {
          const share = (sizes[label]! * count) / source.length;
          assert.ok(
            Math.abs(found - share) <= 1 + sizes.length * (sizes[label]! / source.length),
            `${found} of ${share}`,
          );
        });
      },
    ),
  );
});

test("classes of one size differ by at most one image in a sample", () => {
  const counts = countsOf(sample(classesOf(20, 20, 20, 20), 42, 1), 4);
  assert.deepEqual(counts.toSorted(), [10, 10, 11, 11]);
});

test("a sample is repeatable, begins every larger one, and changes with the seed", () => {
  const source = classesOf(30, 10, 20);
  const larger = ids(sample(source, 40, 7));
  assert.deepEqual(ids(sample(source, 40, 7)), larger);
  assert.deepEqual(ids(sample(source, 15, 7)), larger.slice(0, 15));
  assert.notDeepEqual(ids(sample(source, 40, 8)), larger);
});

test("a sample of more than there is, is all there is", () => {
  assert.equal(sample(classesOf(3, 2), 100, 0).length, 5);
});

test("indices and counts out of range are refused", async () => {
  const source = classesOf(3);
  await refused(() => subset(source, [3]), "SELECTION_INVALID", /no image 3 in memory: it has 3/);
  await refused(() => subset(source, [0.5]), "SELECTION_INVALID", /no image 0.5/);
  await refused(() => sample(source, 0, 0), "SELECTION_INVALID", /sample of 0/);
});
