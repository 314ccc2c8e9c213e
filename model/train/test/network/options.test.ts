/** Impossible networks are refused with the name of the option, before anything is built. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CupelError } from "@cupel/base";
import { mlp, mobilenetV2, resnet18, resnet50, resnetCifar } from "@cupel/train";

const input = [3, 32, 32] as const;

const refused: Readonly<Record<string, readonly [build: () => unknown, message: RegExp]>> = {
  "no classes": [
    () => resnet18({ classes: 0, input }),
    /"classes" must be an integer of at least 1; it is 0/,
  ],
  "half a class": [() => mobilenetV2({ classes: 2.5, input }), /"classes".* 2\.5/],
  "NaN classes": [() => mlp({ inputs: 2, hidden: [4], classes: Number.NaN }), /"classes".* NaN/],
  "no channels": [() => resnetCifar({ depth: 20, classes: 2, input: [0, 32, 32] }), /"input channels"/],
  "a negative height": [() => resnet50({ classes: 2, input: [3, -1, 32] }), /"input height"/],
  "width 0": [() => resnet18({ classes: 2, input, width: 0 }), /"width"/],
  "a MobileNetV2 of width 0": [() => mobilenetV2({ classes: 2, input, width: 0 }), /"width"/],
  "an empty hidden layer": [() => mlp({ inputs: 2, hidden: [8, 0], classes: 2 }), /"hidden\[1\]"/],
  "a depth that is not 6n + 2": [() => resnetCifar({ depth: 21, classes: 2, input }), /6n \+ 2.* 21/],
  "a depth without blocks": [() => resnetCifar({ depth: 2, classes: 2, input }), /6n \+ 2/],
  // As from JSON, which has no types.
  "a stem that is misspelt": [
    () => resnet50({ classes: 2, input, ...JSON.parse('{ "stem": "imagnet" }') }),
    /"stem" must be one of imagenet, cifar; it is "imagnet"/,
  ],
  "a MobileNetV2 stem that is misspelt": [
    () => mobilenetV2({ classes: 2, input, ...JSON.parse('{ "stem": "cifra" }') }),
    /"stem".*"cifra"/,
  ],
  "an activation that is misspelt": [
    () => mlp({ inputs: 2, hidden: [4], classes: 2, ...JSON.parse('{ "activation": "rleu" }') }),
    /"activation" must be one of relu, tanh, sigmoid; it is "rleu"/,
  ],
  "images too small for the stem": [
    () => resnet18({ classes: 2, width: 4, input: [3, 16, 16] }),
    /\[3,16,16\] is too small .* "layer4\.0\.conv1"/,
  ],
  "images too narrow": [
    () => mobilenetV2({ classes: 2, width: 0.25, input: [3, 64, 4], stem: "cifar" }),
    /\[3,64,4\] is too small/,
  ],
};

for (const [name, [build, message]] of Object.entries(refused)) {
  test(`refused: ${name}`, () => {
    assert.throws(build, (thrown: unknown) => {
      assert.ok(thrown instanceof CupelError);
      assert.equal(thrown.code, "TRAINING_CONFIG_INVALID");
      assert.match(thrown.message, message);
      return true;
    });
  });
}

test("the smallest images that the documentation names are accepted", () => {
  const sizes = { classes: 2 };
  const width = 4;
  assert.doesNotThrow(() => resnet18({ ...sizes, width, input: [3, 17, 17] }));
  assert.doesNotThrow(() => resnet50({ ...sizes, width, input: [3, 5, 5], stem: "cifar" }));
  assert.doesNotThrow(() => resnetCifar({ ...sizes, width, depth: 8, input: [3, 3, 3] }));
  assert.doesNotThrow(() => mobilenetV2({ ...sizes, width: 0.25, input: [3, 17, 17] }));
  assert.doesNotThrow(() => mobilenetV2({ ...sizes, width: 0.25, input: [3, 5, 5], stem: "cifar" }));
});
