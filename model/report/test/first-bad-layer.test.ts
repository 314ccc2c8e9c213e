import assert from "node:assert/strict";
import { test } from "node:test";
import { type JudgedLayer, judgeLayers } from "../src/judge/first-bad-layer.ts";

/** A chain of layers, each reading the one before. */
const chain = (figures: readonly number[], bits: readonly (number | null)[] | number = 8): JudgedLayer[] =>
  figures.map((sqnrDb, i) => ({
    name: `layer${i}`,
    operator: "Conv + Relu",
    weightBits: typeof bits === "number" ? bits : bits[i]!,
    sqnrDb,
    channelError: [0.1, 0.1, 0.1, 0.1],
    inputs: i === 0 ? [] : [`layer${i - 1}`],
    recipeName: `conv${i}`,
  }));

test("errors that grow slowly along a network blame nobody", () => {
  assert.equal(judgeLayers(chain([42, 40, 38, 36, 34, 32, 30, 28, 26, 24, 22])).firstBad, null);
});

test("the layer where the error jumps is named, not those that inherit it", () => {
  const { firstBad } = judgeLayers(chain([40, 39, 38, 37, 36, 35, 12, 12, 11, 10]));
  assert.equal(firstBad?.layer, "layer6");
  assert.match(firstBad.sentence, /"layer6" \(Conv \+ Relu, 8-bit weights\)/);
  assert.match(firstBad.sentence, /25 % of its signal, an SQNR of 12\.0 dB/);
  assert.match(firstBad.sentence, /layers before it with as many bits have 37\.5 dB/);
  assert.match(firstBad.sentence, /Its inputs still have 35\.0 dB/);
  assert.match(firstBad.sentence, /or keep it in float: add --override conv6=float to cupel compress\./);
});

test("a ruined first layer is named although everything after it is as bad", () => {
  const { firstBad } = judgeLayers(chain([5, 5, 5, 4, 4, 4, 4]));
  assert.equal(firstBad?.layer, "layer0");
  assert.match(firstBad.sentence, /reads the image itself/);
});

test("a layer of few bits is measured against its own kind", () => {
  const bits = [8, 8, 8, 8, 8, 8, 4, 4, 4, 4, 4, 4];
  assert.equal(judgeLayers(chain([40, 40, 39, 39, 38, 38, 17, 16, 15, 15, 14, 14], bits)).firstBad, null);
  const { firstBad } = judgeLayers(chain([40, 40, 39, 39, 38, 38, 17, 16, 15, 15, 14, 5], bits));
  assert.equal(firstBad?.layer, "layer11");
  assert.match(firstBad.sentence, /Give it 8 bits: add --override conv11=8 to cupel compress\./);
});

test("an error nobody can feel is no fault", () => {
  assert.equal(judgeLayers(chain([70, 70, 70, 70, 70, 70, 45, 45])).firstBad, null);
});

test("an error the next layer does not heed is told apart, with its channel", () => {
  const layers = chain([32, 7, 32, 30]).map((layer, i) =>
    i === 1 ? { ...layer, channelError: [0, 0.01, 2, 0] } : layer,
  );
  const { firstBad, harmless } = judgeLayers(layers);
  assert.equal(firstBad, null);
  assert.equal(
    harmless,
    'The error of "layer1" (7.0 dB, almost all of it in channel 2) is large but does not last: ' +
      "the layers that read it are as good as before.",
  );
});

test("a layer one of whose readers keeps the error is bad", () => {
  const layers = chain([32, 7, 32, 8]).map((layer, i) =>
    i === 3 ? { ...layer, inputs: ["layer1"] } : layer,
  );
  assert.equal(judgeLayers(layers).firstBad?.layer, "layer1");
});

test("layers without error, and no layers, blame nobody", () => {
  assert.deepEqual(judgeLayers([]), { firstBad: null, harmless: null });
  assert.equal(judgeLayers(chain(Array(8).fill(Number.POSITIVE_INFINITY))).firstBad, null);
});

test("a layer without weights gets advice that fits it", () => {
  const bits = [8, 8, 8, 8, 8, null];
  const layers = chain([40, 40, 40, 40, 40, 9], bits).map((layer) =>
    layer.weightBits === null ? { ...layer, recipeName: null } : layer,
  );
  assert.match(judgeLayers(layers).firstBad?.sentence ?? "", /another range method/);
});

test("the option advised is one word to a shell, whatever the layer is called", () => {
  const adviceFor = (recipeName: string) => {
    const layers = chain([40, 39, 38, 37, 36, 35, 12]).map((layer) => ({ ...layer, recipeName }));
    return judgeLayers(layers).firstBad?.sentence.replace(/^.*keep it in float: /, "");
  };
  const rows = [
    ["/layer1/layer1.0/conv1/Conv", "add --override /layer1/layer1.0/conv1/Conv=float to cupel compress."],
    ["a layer", 'add --override "a layer=float" to cupel compress.'],
    ["$HOME", "add --override '$HOME=float' to cupel compress."],
    ["it's `x`", "add --override 'it'\\''s `x`=float' to cupel compress."],
    ["-x", "add --override=-x=float to cupel compress."],
    ["two\nlines", 'write "overrides": { "two\\nlines": "float" } into the stage quantise of a recipe.'],
  ] as const;
  for (const [name, said] of rows) assert.equal(adviceFor(name), said);
});
