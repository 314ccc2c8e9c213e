import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ImageSource, sample, split, subset } from "../src/index.ts";
import { level, refused, sourceOf } from "./fixtures.ts";

/** `sizes[label]` images of each label, one class after the other as in a folder tree. */
function classesOf(...sizes: readonly number[]): ImageSource {
  const labels = sizes.flatMap((size, label) => new Array<number>(size).fill(label));
  return sourceOf(
    labels.map(() => level(0)),
    { labels },
  );
}

const ids = (source: ImageSource): string[] => Array.from({ length: source.length }, (_, i) => source.id(i));

function countsOf(source: ImageSource, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < source.length; i++) counts[source.label(i) ?? 0]!++;
  return counts;
}

test("a subset has the chosen images in the order chosen", async () => {
  const source = sourceOf([level(5), level(6), level(7)], { labels: [0, 1, 2] });
  const part = subset(subset(source, [2, 0]), [1]);
  assert.deepEqual([part.length, part.id(0), part.label(0)], [1, "image 0", 0]);
  assert.deepEqual(await part.image(0), level(5));
});

test("a sample holds every class in proportion, to within rounding", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 }),
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

test("a split holds back its fraction, stratified, and leaves the rest in order", () => {
  const source = classesOf(40, 20);
  const { rest, heldOut } = split(source, 0.25, 3);
  assert.deepEqual(countsOf(heldOut, 2), [10, 5]);
  assert.deepEqual(new Set([...ids(rest), ...ids(heldOut)]), new Set(ids(source)));
  const left = ids(rest);
  assert.deepEqual(
    left,
    ids(source).filter((id) => left.includes(id)),
  );
});

test("a class of one image stays with the rest under every seed, and is said to be missing from the others", () => {
  for (let seed = 0; seed < 100; seed++) {
    const { rest, heldOut, remarks } = split(classesOf(10, 1), 0.1, seed);
    assert.deepEqual(
      [countsOf(rest, 2), countsOf(heldOut, 2)],
      [
        [9, 1],
        [1, 0],
      ],
    );
    assert.deepEqual(remarks.length, 1);
    assert.match(remarks[0]!, /held-out images hold none of the class 1\./);
  }
});

test("a split leaves an image of every class where there are others to hold out, and says what a part lacks", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 }),
      fc.double({ min: 0.02, max: 0.9, noNaN: true }),
      fc.nat(),
      (sizes, fraction, seed) => {
        const source = classesOf(...sizes);
        fc.pre(source.length >= 2);
        const { rest, heldOut, remarks } = split(source, fraction, seed);
        const [left, held] = [countsOf(rest, sizes.length), countsOf(heldOut, sizes.length)];
        if (heldOut.length <= source.length - sizes.length) assert.ok(left.every((count) => count >= 1));
        const lacking = [left, held].filter((counts) => counts.includes(0)).length;
        assert.equal(remarks.length, lacking);
      },
    ),
  );
});

test("a split of one image a class holds out some of them, and of unlabelled images says nothing", () => {
  const { heldOut, remarks } = split(classesOf(1, 1, 1, 1), 0.25, 1);
  assert.equal(heldOut.length, 1);
  assert.match(
    remarks.join(),
    /images that are left hold none of the class .*held-out images hold none of 3 classes/,
  );
  const unlabelled = sourceOf(new Array(10).fill(level(0)));
  assert.deepEqual(split(unlabelled, 0.2, 1).remarks, []);
});

test("indices, counts and fractions out of range are refused", async () => {
  const source = classesOf(3);
  await refused(() => subset(source, [3]), "SELECTION_INVALID", /no image 3 in memory: it has 3/);
  await refused(() => subset(source, [0.5]), "SELECTION_INVALID", /no image 0.5/);
  await refused(() => sample(source, 0, 0), "SELECTION_INVALID", /sample of 0/);
  await refused(() => split(source, 1, 0), "SELECTION_INVALID", /hold out 1/);
  await refused(() => split(classesOf(1), 0.5, 0), "SELECTION_INVALID", /at least 2 images/);
});
