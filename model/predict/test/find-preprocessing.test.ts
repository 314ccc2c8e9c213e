/** Models that are right only when their images are prepared as they were trained, and whether that is found. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRandom } from "@cupel/base";
import { encodeModel, type Model, Tensor } from "@cupel/onnx";
import {
  choosePreprocessing,
  findPreprocessing,
  firstLook,
  preprocessingSentence,
  writeMetadata,
} from "@cupel/predict";
import { openSession } from "@cupel/runtime";
import type { ImageSource, Preprocessing } from "@cupel/vision";
import { pairedZ } from "../src/preprocessing/finding.ts";
import { openClassifier } from "./support/classifier.ts";
import { noiseImages, side } from "./support/images.ts";
import { modelOf, node } from "./support/models.ts";

/** Written out here, and not taken from the code under test. */
const presets: Readonly<Record<string, Pick<Preprocessing, "scale" | "mean" | "std">>> = {
  imagenet: { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  tf: { scale: 1 / 127.5, mean: [1, 1, 1], std: [1, 1, 1] },
  unit: { scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] },
  raw: { scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
  cifar10: { scale: 1 / 255, mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
  mnist: { scale: 1 / 255, mean: [0.1307, 0.1307, 0.1307], std: [0.3081, 0.3081, 0.3081] },
  caffe: { scale: 1, mean: [123.68, 116.779, 103.939], std: [1, 1, 1] },
};

/** Five bands of red, told by the level in the middle of each. */
const middles = [25, 76, 127, 178, 229];

/** One level of red, the label its band; green and blue are anything. */
function bandedImages(count: number, labelled = true): ImageSource {
  return noiseImages(count, {
    labelled,
    label: (index) => (labelled ? index % middles.length : null),
    image: async (index) => {
      const random = createRandom(7 + index);
      const red = middles[index % middles.length]! + random.integer(41) - 20;
      const [green, blue] = [random.integer(256), random.integer(256)];
      const data = new Uint8Array(side * side * 3);
      for (let i = 0; i < data.length; i += 3) data.set([red, green, blue], i);
      return { kind: "raw", width: side, height: side, channels: 3, data };
    },
  });
}

/** Right for every image of `bandedImages` prepared like this, and for no other: the nearest middle of red. */
function bandClassifier({ scale, mean, std }: (typeof presets)[string], colour: "rgb" | "bgr"): Model {
  const centres = middles.map((level) => (level * scale - mean[0]!) / std[0]!);
  const width = Math.abs(centres[1]! - centres[0]!);
  const red = colour === "rgb" ? 0 : 2;
  const weight = new Float32Array(3 * centres.length);
  for (const [k, centre] of centres.entries()) weight[red * centres.length + k] = (8 * centre) / width ** 2;
  const bias = centres.map((centre) => (-4 * centre ** 2) / width ** 2);
  return modelOf((model, x) => {
    const means = node(model, "Flatten", "means", node(model, "GlobalAveragePool", "pool", x));
    const w = model.graph.addConstant("w", Tensor.float32([3, centres.length], weight));
    const b = model.graph.addConstant("b", Tensor.float32([centres.length], bias));
    return node(model, "Gemm", "scores", means, w, b);
  });
}

async function found(model: Model, images: ImageSource, given?: string) {
  const chosen = choosePreprocessing({ model, inputShape: ["N", 3, side, side] }, given);
  await using session = await openSession(encodeModel(model), { threads: 1 });
  return await findPreprocessing(session, images, chosen, {});
}

describe("with labels", () => {
  for (const [name, preset] of Object.entries(presets)) {
    for (const colour of ["rgb", "bgr"] as const) {
      test(`${name} in ${colour} is found, or what cannot be told from it is said`, async () => {
        const { preprocessing, finding } = await found(bandClassifier(preset, colour), bandedImages(256));
        const isWanted = (each: Preprocessing) =>
          each.colour === colour &&
          each.scale === preset.scale &&
          Math.abs(each.mean[0]! - preset.mean[colour === "rgb" ? 0 : 2]!) < 1e-9;
        const right = finding!.tried.find((each) => isWanted(each.preprocessing))!;
        assert.equal(finding!.by, "labels");
        assert.equal(right.score, 1, "the model is right on every image prepared so");
        const taken = finding!.tried.find((each) => each.preprocessing === preprocessing)!;
        assert.ok(
          isWanted(preprocessing) || right.isRival || taken.isRival,
          preprocessingSentence("it", { preprocessing, origin: "found", finding })!,
        );
      });
    }
  }

  test("the guess is kept where the images do not tell it from the best, and that is said", async () => {
    const model = bandClassifier(presets.cifar10!, "rgb");
    const chosen = await found(model, bandedImages(12));
    assert.equal(chosen.origin, "guessed");
    assert.match(
      preprocessingSentence("m.onnx", chosen)!,
      /tried on 12 images with labels, nothing tells the guess, imagenet/,
    );
  });

  test("where none is right more often than chance, the guess stays one", async () => {
    const model = bandClassifier(presets.tf!, "rgb");
    const wrong = { ...bandedImages(100), label: (index: number) => (index * 7 + (index >> 3)) % 5 };
    const chosen = await found(model, wrong);
    assert.equal(chosen.origin, "guessed");
    assert.match(
      preprocessingSentence("m.onnx", chosen)!,
      /nothing tells the guess|none is right more often than chance/,
    );
  });
});

test("without labels it is found by what predictions tell, which is said to be weaker", async () => {
  const chosen = await found(bandClassifier(presets.raw!, "rgb"), bandedImages(128, false));
  assert.deepEqual([chosen.origin, chosen.preprocessing.scale], ["found", 1]);
  assert.match(preprocessingSentence("m.onnx", chosen)!, /without labels, the best is raw .*weak evidence/);
});

test("images of one class without labels do not tell: a wrong way sees many classes in them", async () => {
  const images = bandedImages(128, false);
  const one: ImageSource = { ...images, image: async () => images.image(2) };
  const { origin, finding } = await found(bandClassifier(presets.imagenet!, "rgb"), one);
  assert.ok(origin === "guessed" || finding!.tried[0]!.isGuess);
});

describe("what is tried", () => {
  const model = bandClassifier(presets.tf!, "bgr");

  test("nothing where the caller names the values, or the model says them", async () => {
    for (const given of ["preset=raw", "scale=1/255", "mean=0.5,std=0.5"]) {
      const { origin, finding } = await found(model, bandedImages(64), given);
      assert.deepEqual([origin, finding], ["given", null], given);
    }
    const telling = bandClassifier(presets.tf!, "rgb");
    writeMetadata(telling, { preprocessing: (await found(model, bandedImages(64))).preprocessing });
    assert.deepEqual((await found(telling, bandedImages(64))).origin, "metadata");
  });

  test("presets in the colour that is named; words about the size leave everything open", async () => {
    const named = await found(model, bandedImages(128), "colour=bgr");
    assert.ok(named.finding!.tried.every(({ preprocessing }) => preprocessing.colour === "bgr"));
    assert.deepEqual([named.origin, named.preprocessing.scale], ["found", 1 / 127.5]);
    const sized = await found(model, bandedImages(128), "resize=none");
    assert.deepEqual([sized.preprocessing.colour, sized.preprocessing.resize], ["bgr", { kind: "none" }]);
  });

  test("a guess that a file carries is still open, one that was found is not", async () => {
    const guessed = bandClassifier(presets.tf!, "bgr");
    const { preprocessing } = choosePreprocessing({ model, inputShape: ["N", 3, side, side] }, undefined);
    writeMetadata(guessed, { preprocessing, preprocessingOrigin: "guessed" });
    assert.equal(guessed.metadata.get("cupel.preprocessing.origin"), "guessed");
    const chosen = await found(guessed, bandedImages(128));
    assert.deepEqual([chosen.origin, chosen.preprocessing.colour], ["found", "bgr"]);
    writeMetadata(guessed, { preprocessing: chosen.preprocessing, preprocessingOrigin: "found" });
    assert.deepEqual((await found(guessed, bandedImages(128))).finding, null);
    writeMetadata(guessed, { preprocessing });
    assert.equal(guessed.metadata.get("cupel.preprocessing.origin"), undefined);
  });
});

test("a predictor finds it with images, and a first look at a model tells chance", async () => {
  const model = bandClassifier(presets.unit!, "bgr");
  await using predictor = await openClassifier(encodeModel(model), {
    findWith: bandedImages(256),
    threads: 1,
  });
  assert.deepEqual([predictor.origin.preprocessing, predictor.preprocessing.colour], ["found", "bgr"]);
  assert.equal((await predictor.evaluate(bandedImages(50))).top1, 1);

  const told = choosePreprocessing({ model, inputShape: ["N", 3, side, side] }, "colour=bgr,preset=unit");
  const shifted = { ...bandedImages(100), label: (index: number) => (index + 1) % middles.length };
  const { chance } = await firstLook(encodeModel(model), { model }, told, shifted, { threads: 1 });
  assert.deepEqual([chance?.verdict, chance?.accuracy.count], ["at", 0]);
});

test("a difference is judged image by image, as McNemar does", () => {
  // 7 lost and 1 gained: (7 - 1) / sqrt(7 + 1).
  const [a, b] = [
    [1, 1, 1, 1, 1, 1, 1, 0, 1, 0],
    [0, 0, 0, 0, 0, 0, 0, 1, 1, 0],
  ];
  assert.ok(Math.abs(pairedZ(a, b) - 6 / Math.sqrt(8)) < 1e-12);
  assert.equal(pairedZ(a, a), 0);
});
