import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  parsePreprocessing,
  preprocessingFor,
  preprocessingText,
  readPreprocessing,
  tensorDims,
} from "../src/index.ts";
import { asDecoded, refused } from "./fixtures.ts";

const imagenet = preprocessingFor(["N", 3, 224, 224]);

suite("the guess from a shape", () => {
  test("for ImageNet models is torchvision's published evaluation transform", () => {
    // https://pytorch.org/vision/stable/models.html: resize 256, crop 224, mean and std as given there.
    assert.deepEqual(imagenet, {
      width: 224,
      height: 224,
      colour: "rgb",
      resize: { kind: "short-side", size: 256 },
      interpolation: "bilinear",
      layout: "NCHW",
      scale: 1 / 255,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    });
  });

  test("takes one channel for grey in -1..1, and small inputs without a margin", () => {
    const { colour, resize, scale, mean, std } = preprocessingFor([null, 1, 64, 64]);
    assert.deepEqual(
      { colour, resize, scale, mean, std },
      {
        colour: "grey",
        resize: { kind: "short-side", size: 64 },
        scale: 1 / 127.5,
        mean: [1],
        std: [1],
      },
    );
  });

  test("sees channels last, fills in open sides, and stretches what is not square", () => {
    const last = preprocessingFor([1, 160, 160, 3]);
    assert.deepEqual(
      [last.layout, last.width, last.resize],
      ["NHWC", 160, { kind: "short-side", size: 183 }],
    );
    assert.equal(preprocessingFor([-1, 3, "H", "W"]).height, 224);
    assert.deepEqual(preprocessingFor([1, 3, 96, 320]).resize, { kind: "stretch" });
  });

  test("is not made for what is no image", async () => {
    await refused(
      () => preprocessingFor([1, 128]),
      "PREPROCESSING_INVALID",
      /shape \[1, 128\] is not an image/,
    );
    await refused(() => preprocessingFor([1, 7, 9, 5]), "PREPROCESSING_INVALID", /1, 3 or 4 channels/);
  });
});

suite("the command-line form", () => {
  test("changes what it names and nothing else", () => {
    const spec = "preset=tf, resize=long-side:300,crop=320x240,layout=nhwc,interpolation=bicubic";
    assert.deepEqual(parsePreprocessing(spec, imagenet), {
      width: 320,
      height: 240,
      colour: "rgb",
      resize: { kind: "long-side", size: 300 },
      interpolation: "bicubic",
      layout: "NHWC",
      scale: 1 / 127.5,
      mean: [1, 1, 1],
      std: [1, 1, 1],
    });
    assert.deepEqual(parsePreprocessing("", imagenet), imagenet);
  });

  test("means given beside a preset win, in any order", () => {
    const { mean, std } = parsePreprocessing("mean=0.1/0.2/0.3,std=0.5,preset=imagenet", imagenet);
    assert.deepEqual(
      [mean, std],
      [
        [0.1, 0.2, 0.3],
        [0.5, 0.5, 0.5],
      ],
    );
  });

  test("a change to bgr turns the means round with the channels", () => {
    assert.deepEqual(parsePreprocessing("colour=bgr", imagenet).mean, [0.406, 0.456, 0.485]);
    assert.deepEqual(parsePreprocessing("preset=imagenet,colour=bgr", imagenet).mean, [0.406, 0.456, 0.485]);
    const caffe = parsePreprocessing("colour=bgr,scale=1,mean=104/117/123,std=1", imagenet);
    assert.deepEqual(caffe.mean, [104, 117, 123]);
  });

  test("reads fractions for the scale", () => {
    assert.equal(parsePreprocessing("scale=1/255", imagenet).scale, 1 / 255);
  });

  for (const [spec, saying] of [
    ["size=224", /"size=224" is not a preprocessing setting.*colour, preset, crop/],
    ["crop", /"crop" is not a preprocessing setting/],
    ["crop=0", /"crop" must be 224, or width x height/],
    ["crop=12,crop=13", /"crop" is given twice/],
    ["resize=short-side", /"resize" must be none, stretch, short-side/],
    ["resize=short-side:1.5", /"resize" must be/],
    ["resize=stretch:32", /"resize" must be .* not "stretch:32"/],
    ["resize=none:8", /"resize" must be .* not "none:8"/],
    ["resize=letter-box:640", /"resize" must be/],
    ["resize=short-side:256:224", /"resize" must be .* not "short-side:256:224"/],
    ["pad=114:end:8", /"pad" must be .* not "114:end:8"/],
    ["preset=vgg", /"preset" must be one of imagenet, tf, unit, raw, cifar10, mnist, caffe/],
    ["colour=grey", /"mean" of .* has 3 values, the colour grey needs 1/],
    ["colour=grey,preset=imagenet", /"preset" must be .* as many channels/],
    ["mean=1/2", /has 2 values, the colour rgb needs 3/],
    ["mean=", /"mean" must be numbers/],
    ["std=0", /"std" must be numbers greater than 0/],
    ["scale=0", /"scale" must be a number other than 0/],
    ["scale=1/0", /"scale"/],
    ["layout=CHW", /"layout" must be one of NCHW, NHWC/],
    ["interpolation=area", /"interpolation" must be one of nearest, linear, bilinear/],
  ] as const) {
    test(`refuses ${JSON.stringify(spec)} by name`, async () => {
      await refused(() => parsePreprocessing(spec, imagenet), "PREPROCESSING_INVALID", saying);
    });
  }
});

test("as text it is what the parser reads", () => {
  for (const preprocessing of [
    imagenet,
    preprocessingFor([1, 32, 48, 1]),
    parsePreprocessing(
      "preset=tf,colour=bgr,resize=long-side:300,crop=320x240,interpolation=nearest",
      imagenet,
    ),
    parsePreprocessing("scale=0.25,mean=-3,std=0.001,resize=none", imagenet),
  ]) {
    const other = parsePreprocessing("preset=raw,resize=stretch,crop=16", preprocessingFor([1, 3, 9, 9]));
    assert.deepEqual(parsePreprocessing(preprocessingText(preprocessing), other), preprocessing);
  }
});

suite("as JSON", () => {
  for (const [change, saying] of [
    [{ width: 0 }, /"width" .* must be a whole number of pixels.*not 0/],
    [{ height: "224" }, /"height" .* not "224"/],
    [{ colour: "RGB" }, /"colour" .* one of rgb, bgr, grey/],
    [{ resize: { kind: "short-side" } }, /"resize"/],
    [{ resize: null }, /"resize"/],
    [{ mean: [0, 0] }, /"mean" .* 2 values, the colour rgb needs 3/],
    [{ std: [1, 1, 0] }, /"std" .* greater than 0/],
    [{ mean: undefined }, /"mean" .* it is missing/],
    [{ crop: 224 }, /unknown key "crop"/],
  ] as const) {
    test(`${JSON.stringify(change)} is refused by name`, async () => {
      await refused(() => readPreprocessing({ ...imagenet, ...change }), "PREPROCESSING_INVALID", saying);
    });
  }

  test("anything but an object is refused", async () => {
    for (const value of [null, [], "x", 1]) {
      await refused(() => readPreprocessing(value), "PREPROCESSING_INVALID", /must be a JSON object/);
    }
  });
});

test("tensor dimensions follow the layout", () => {
  const size = { width: 4, height: 2 };
  assert.deepEqual(tensorDims(asDecoded(size), 5), [5, 3, 2, 4]);
  assert.deepEqual(tensorDims(asDecoded({ ...size, layout: "NHWC", colour: "grey" }), 5), [5, 2, 4, 1]);
});

test("a slip in a preset or a setting is recognised, another word is not", () => {
  const base = preprocessingFor([1, 3, 32, 32]);
  for (const [spec, meant] of [
    ["preset=imagnet", /did you mean imagenet\?$/],
    ["preset=cifar", /did you mean cifar10\?$/],
    ["rezise=none", /did you mean resize\?$/],
    ["preset=squirrel", /not "squirrel"\.$/],
    ["zoom=2", /interpolation, layout, scale, mean, std\.$/],
  ] as const) {
    assert.throws(() => parsePreprocessing(spec, base), { code: "PREPROCESSING_INVALID", message: meant });
  }
});
