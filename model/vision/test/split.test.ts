/** A held-out share judges every class that it can, and never takes the last image that a class is learnt from. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { split } from "../src/index.ts";
import { level, refused, sourceOf } from "./fixtures.ts";
import { classesOf, classSizes, countsOf, ids } from "./labelled.ts";

test("a split holds back its fraction, stratified, and leaves the rest in order", () => {
  const source = classesOf(40, 20);
  const { rest, heldOut, remarks } = split(source, 0.25, 3);
  assert.deepEqual(countsOf(heldOut, 2), [10, 5]);
  assert.deepEqual(new Set([...ids(rest), ...ids(heldOut)]), new Set(ids(source)));
  const left = ids(rest);
  assert.deepEqual(
    left,
    ids(source).filter((id) => left.includes(id)),
  );
  assert.deepEqual(remarks, []);
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
    assert.equal(remarks.length, 1);
    assert.match(
      remarks[0]!,
      /held-out images hold none of the class 1\. It has one image, which is trained on\.$/,
    );
  }
});

test("a split has classes of two images or more in both parts, for any sizes, fraction and seed", () => {
  fc.assert(
    fc.property(
      classSizes(8, 12),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      fc.nat(),
      (sizes, fraction, seed) => {
        fc.pre(sizes.some((size) => size > 1));
        const source = classesOf(...sizes);
        const { rest, heldOut, remarks } = split(source, fraction, seed);
        const [left, held] = [countsOf(rest, sizes.length), countsOf(heldOut, sizes.length)];
        assert.deepEqual(
          sizes,
          left.map((count, label) => count + held[label]!),
        );
        assert.ok(left.every((count) => count >= 1));
        assert.ok(held.every((count, label) => count >= 1 === sizes[label]! >= 2));
        const asked = Math.max(1, Math.round(source.length * fraction));
        const expected = Number(heldOut.length !== asked) + Number(sizes.includes(1));
        assert.equal(remarks.length, expected, remarks.join(" "));
      },
    ),
  );
});

test("another number than asked is held out where classes need it, and it is said", () => {
  const more = split(classesOf(10, 10, 10, 2, 2), 0.05, 1);
  assert.deepEqual(countsOf(more.heldOut, 5), [1, 1, 1, 1, 1]);
  assert.deepEqual(more.remarks, [
    "5 of 34 images are held out instead of 2: one of every class that has two or more.",
  ]);
  const fewer = split(classesOf(2, 2, 2), 0.9, 1);
  assert.deepEqual(countsOf(fewer.rest, 3), [1, 1, 1]);
  assert.deepEqual(fewer.remarks, [
    "3 of 6 images are held out instead of 5: one of every class is left to train on.",
  ]);
});

test("one image a class is refused; images without labels are one class", async () => {
  const unlabelled = split(sourceOf(new Array(10).fill(level(0))), 0.2, 1);
  assert.deepEqual([unlabelled.heldOut.length, unlabelled.remarks], [2, []]);
  for (const source of [classesOf(1, 1, 1, 1), classesOf(1)]) {
    await refused(() => split(source, 0.25, 1), "SELECTION_INVALID", /no class of at least 2 images/);
  }
  await refused(() => split(classesOf(3), 1, 0), "SELECTION_INVALID", /hold out 1/);
  await refused(() => split(classesOf(3), 0, 0), "SELECTION_INVALID", /hold out 0/);
});
