/** What a checkpoint says of its training comes from a file that anybody may have written: each field is looked at. */
import assert from "node:assert/strict";
import test from "node:test";
import { checkSteps, parseSavedTraining } from "../../src/fit/saved-training.ts";

const epoch = {
  epoch: 1,
  loss: 0.5,
  accuracy: 0.75,
  skipped: 0,
  validationLoss: null,
  validationAccuracy: null,
  learningRate: 0.1,
  imagesPerSecond: 100,
  seconds: 2,
};
const inHand = { epoch: 1, batches: 2, skipped: 0, lossSum: 1, correct: 20, seconds: 1 };
const training = { identity: { network: "abc" }, steps: 5, inHand, history: [epoch] };

test("a training is read as it was written", () => {
  assert.deepEqual(parseSavedTraining(JSON.stringify(training)), { ...training, isFormer: false });
  const overflowed = parseSavedTraining(
    JSON.stringify({ ...training, history: [{ ...epoch, loss: Number.NaN }] }),
  );
  assert.ok(Number.isNaN(overflowed.history[0]!.loss), "JSON writes null for what is not finite");
});

const refused: readonly (readonly [what: string, text: string | undefined, says: RegExp])[] = [
  ["no training", undefined, /nothing of its training/],
  ["no JSON", "{", /no JSON/],
  ...(
    [
      [null, /nothing of use about its training/],
      [[], /nothing of use about its training/],
      ["text", /nothing of use about its training/],
      [{ ...training, identity: undefined }, /nothing of use about the settings/],
      [{ ...training, identity: { network: 7 } }, /"network" what is no text/],
      [{ ...training, inHand: null }, /nothing of use about the current epoch/],
      [{ ...training, inHand: { ...inHand, epoch: -1 } }, /"epoch" what is no whole number/],
      [{ ...training, inHand: { ...inHand, lossSum: "1" } }, /"lossSum" what is no number/],
      [{ ...training, inHand: { ...inHand, skipped: 3 } }, /skipped 3 batches of 2/],
      [{ ...training, steps: 1.5 }, /"steps" what is no whole number/],
      [{ ...training, history: {} }, /metrics of others/],
      [{ ...training, history: [] }, /metrics of others/],
      [{ ...training, history: [null] }, /nothing of use about epoch 1/],
      [{ ...training, history: [{ ...epoch, epoch: 2 }] }, /epoch 1 that it is another/],
      [{ ...training, history: [{ ...epoch, seconds: [] }] }, /"seconds" what is no number/],
    ] as const
  ).map(([value, says]): [string, string, RegExp] => [JSON.stringify(value), JSON.stringify(value), says]),
];

for (const [what, text, says] of refused) {
  test(`refused: ${what}`, () => {
    assert.throws(() => parseSavedTraining(text), says);
  });
}

test("the steps are those of the epochs", () => {
  checkSteps(training, 3);
  for (const perEpoch of [1, 2, 4]) {
    assert.throws(() => checkSteps(training, perEpoch), /5 steps, of which 2 are in its epoch 2/);
  }
});
