/** Which labels can be classes of a model, against a rule written out here. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  compareEvaluations,
  type Evaluation,
  matchLabels,
  namedBy,
  orderSentence,
  requireLabels,
  withoutLabels,
} from "@cupel/predict";
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

describe("where a side has no names", () => {
  const numbered = (labels: readonly number[]) => imagesOf({ labels, names: null });
  const found = (match: ReturnType<typeof matchLabels>) =>
    match.images === null
      ? match.problem
      : [match.by, ...Array.from({ length: match.images.length }, (_, i) => match.images.label(i))];

  test("labels are indices, and the match says so", () => {
    assert.deepEqual(found(matchLabels(numbered([2, 0]), { count: 3, names: null })), ["index", 2, 0]);
    const named = imagesOf({ labels: [1], names: ["a", "b"] });
    assert.deepEqual(found(matchLabels(named, { count: 2, names: null })), ["index", 1]);
    assert.deepEqual(found(matchLabels(numbered([2]), { count: 3, names: ["a", "b", "c"] })), ["index", 2]);
    assert.match(orderSentence("index", { count: 3, names: null })!, /the model does not name its classes/);
    assert.match(orderSentence("index", { count: 1, names: ["a"] })!, /are numbers, not names/);
    assert.equal(orderSentence("name", { count: 1, names: ["a"] }), null);
  });

  test("a label is the name of its class where all names are whole numbers", () => {
    const ten = Array.from({ length: 10 }, (_, i) => String(i + 1));
    assert.deepEqual(found(matchLabels(numbered([1, 10, 2]), { count: 10, names: ten })), ["name", 0, 9, 1]);
    assert.match(
      String(found(matchLabels(numbered([0, 9]), { count: 10, names: ten }))),
      /1 class .*: "0"\. /,
    );
    const inText = ["0", "1", "10", "2"];
    assert.deepEqual(found(matchLabels(numbered([10, 2]), { count: 4, names: inText })), ["name", 2, 3]);
    assert.deepEqual(found(matchLabels(numbered([7]), { count: 2, names: ["003", "007"] })), ["name", 1]);
  });

  test("numbers in the order of text are refused, those in the order of numbers are not", () => {
    const match = (names: readonly string[], modelNames: readonly string[] | null = null) =>
      found(matchLabels(imagesOf({ labels: [1], names }), { count: names.length, names: modelNames }));
    const inText = ["0", "1", "10", "2"];
    assert.match(String(match(inText)), /order of text \("0", "1", "10", "2"\).* class 2 may be "10" or "2"/);
    assert.match(String(match(["1000", "7"])), /class 0 may be "1000" or "7"/);
    assert.deepEqual(match(["0", "1", "2"]), ["index", 1]);
    assert.deepEqual(match(["0", "1", "2", "10"]), ["index", 1]);
    assert.deepEqual(match(["00", "01", "10"]), ["index", 1]);
    assert.deepEqual(match(["5", "3", "1"]), ["index", 1], "an order that somebody chose");
    assert.deepEqual(match(inText, inText), ["name", 1], "the model's order is known");
  });
});

test("lists that are the same to the letter meet by index, a name that stands twice included", () => {
  const names = ["crane", "ox", "crane"];
  const match = matchLabels(imagesOf({ labels: [0, 2, 1], names }), { count: 3, names });
  assert.equal(match.by, "name");
  assert.deepEqual(
    [0, 1, 2].map((i) => match.images?.label(i)),
    [0, 2, 1],
  );
  const other = matchLabels(imagesOf({ labels: [0], names: ["crane", "ox"] }), { count: 3, names });
  assert.match(other.problem ?? "", /2 classes of that name \(0 and 2\)/);
});

test("matching again changes nothing", () => {
  const model = { count: 3, names: ["a", "b", "c"] };
  const once = requireLabels(imagesOf({ labels: [0, 1], names: ["c", "a"] }), model);
  const twice = requireLabels(once.images, model);
  const labelsOf = ({ images }: typeof once) => [images.label(0), images.label(1)];
  assert.deepEqual(labelsOf(once), [2, 0]);
  assert.deepEqual(labelsOf(twice), [2, 0]);
  assert.deepEqual(once.images.classes, model.names);
});

test("lists of a thousand names are shortened, and whole in the details", async () => {
  const names = Array.from({ length: 1000 }, (_, i) => `class ${i}`);
  const images = imagesOf({
    labels: Array.from({ length: 30 }, (_, i) => i),
    names: names.map((name) => `x ${name}`),
  });
  const match = matchLabels(images, { count: 1000, names });
  assert.match(match.problem ?? "", /30 classes .* and 20 more.*1000 apart: "class 0", .* and 980 more$/);
  assert.ok((match.problem ?? "").length < 1500);
});

/** One prediction of each class, in the order of the first model's images. */
function predicted(predictions: readonly number[], classNames: readonly string[] | null): Evaluation {
  return {
    indices: predictions.map((_, i) => i),
    labels: predictions.map(() => 0),
    scores: new Float32Array(0),
    classes: 3,
    classNames,
    labelsBy: "name",
    predictions,
    top1: null,
    top5: null,
    unreadable: [],
  };
}

test("two models whose classes stand in another order are compared by name", async () => {
  const first = predicted([0, 1, 2, 0], ["a", "b", "c"]);
  const { agreement, lost, gained } = compareEvaluations(first, predicted([2, 1, 0, 0], ["c", "b", "a"]));
  assert.deepEqual([agreement.value, lost, gained], [3 / 4, 1, 0]);
  const other = compareEvaluations(first, predicted([0, 0, 0, 1], ["z", "a"]));
  assert.deepEqual([other.agreement.value, other.lost, other.gained], [1 / 4, 1, 0]);
  assert.equal(compareEvaluations(first, predicted([0, 1, 2, 0], null)).agreement.value, 1);
  await refused(
    () => compareEvaluations(predicted([0], ["crane", "crane"]), predicted([0], ["crane"])),
    "LABELS_MISMATCH",
    /"crane".*\(0 and 1\)/,
  );
});
