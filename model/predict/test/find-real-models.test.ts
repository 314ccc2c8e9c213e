/**
 * Trained networks, made to want other presets than their own: the found preprocessing is the one they want, or it
 * is said that the images do not tell it from another. Needs the data folder.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createRandom } from "@cupel/base";
import { attribute, encodeModel, type Model, Tensor } from "@cupel/onnx";
import {
  choosePreprocessing,
  endsInSoftmax,
  findPreprocessing,
  openModel,
  preprocessingSentence,
} from "@cupel/predict";
import { openSession } from "@cupel/runtime";
import {
  isPresetName,
  normalisationOf,
  openImages,
  PRESETS,
  type Preprocessing,
  parsePreprocessing,
  preprocessingFor,
  presetOf,
  sample,
} from "@cupel/vision";

const data = process.env.CUPEL_DATA ?? join(import.meta.dirname, "../../../../shared/data");
const skip = existsSync(join(data, "models")) ? false : "no test data: set CUPEL_DATA";

/** As many presets as a row says, and the networks that take long; in every run one preset of the others. */
const areLongTestsAsked = process.env.CUPEL_LONG_TESTS !== undefined;

/** Their own preprocessing is that of the table in the data's README. */
const networks = [
  { name: "resnet8_cifar10", own: "preset=raw", images: "cifar10/test_a.bin.gz", count: 256, wanted: 3 },
  {
    name: "resnet20_cifar10",
    own: "preset=imagenet",
    images: "cifar10/test_a.bin.gz",
    count: 256,
    wanted: 2,
  },
  {
    name: "resnet56_cifar10",
    own: "preset=imagenet",
    images: "cifar10/test_a.bin.gz",
    count: 128,
    wanted: 1,
    isSlow: true,
  },
  {
    name: "resnet50_w32_pcb",
    own: "preset=tf",
    images: "pcb/test-images-idx3-ubyte.gz",
    count: 128,
    wanted: 3,
  },
  {
    name: "mobilenet_v1_0.75_224",
    own: "preset=tf,resize=none",
    images: "imagenet",
    count: 64,
    wanted: 1,
    isSlow: true,
  },
];

/** Nodes before the network turn a tensor of `wanted` into one of `own`: channels in order, then a factor and a shift. */
function wanting(model: Model, own: Preprocessing, wanted: Preprocessing): void {
  const { graph } = model;
  const input = graph.inputs.find((value) => !value.constant)!;
  const first = [...graph.nodes][0]!;
  const channels = own.mean.length;
  const order = own.colour === wanted.colour ? [0, 1, 2] : [2, 1, 0];
  const from = Array.from({ length: channels }, (_, c) => (channels === 1 ? 0 : order[c]!));
  // Own = (pixel * scale - mean) / std, and the pixel is (x * wanted.std + wanted.mean) / wanted.scale.
  const ratio = own.scale / wanted.scale;
  const factor = from.map((at, c) => (wanted.std[at]! * ratio) / own.std[c]!);
  const shift = from.map((at, c) => (wanted.mean[at]! * ratio - own.mean[c]!) / own.std[c]!);
  const uses = graph.insertBefore(first, {
    opType: "Gather",
    inputs: [input, graph.addConstant("wanted order", Tensor.int64([channels], from))],
    attributes: { axis: attribute.int(1) },
  });
  const each = (name: string, values: number[]) =>
    graph.addConstant(name, Tensor.float32([1, channels, 1, 1], values));
  const scaled = graph.insertAfter(uses, {
    opType: "Mul",
    inputs: [uses.output, each("wanted factor", factor)],
  });
  const ready = graph.insertAfter(scaled, {
    opType: "Add",
    inputs: [scaled.output, each("wanted shift", shift)],
  });
  graph.replaceUses(input, ready.output);
  uses.setInput(0, input);
}

describe("a network that wants a preset drawn at random", { skip }, () => {
  const random = createRandom(11);
  for (const { name, own, images, count, isSlow, ...long } of networks) {
    const wanted = areLongTestsAsked ? long.wanted : 1;
    const tooLong = isSlow && !areLongTestsAsked ? "it takes long: set CUPEL_LONG_TESTS" : false;
    test(`${name}, ${wanted} drawn: found, or not told from another`, { skip: tooLong }, async (t) => {
      const source = sample(await openImages(join(data, images)), count, 1);
      for (let i = 0; i < wanted; i++) {
        const opened = await openModel(join(data, "models", `${name}.onnx`));
        const told = parsePreprocessing(own, preprocessingFor(opened.inputShape));
        const colour = told.colour !== "grey" && random.integer(2) === 1 ? "bgr" : told.colour;
        const usable = Object.keys(PRESETS)
          .filter(isPresetName)
          .filter((preset) => normalisationOf(preset, colour) !== null);
        const preset = usable[random.integer(usable.length)]!;
        const right: Preprocessing = { ...told, colour, ...normalisationOf(preset, colour) };
        wanting(opened.model, told, right);
        const usual = choosePreprocessing(opened, own.includes("resize") ? "resize=none" : undefined);
        await using session = await openSession(encodeModel(opened.model));
        const probabilities = endsInSoftmax(opened.model);
        const chosen = await findPreprocessing(session, source, usual, { probabilities });
        const said = preprocessingSentence(name, chosen)!;
        const tried = chosen.finding!.tried;
        const isRight = (each: Preprocessing) => each.colour === colour && presetOf(each) === preset;
        const taken = tried.find((each) => each.preprocessing === chosen.preprocessing)!;
        const outcome = isRight(chosen.preprocessing) ? "found" : "not told from another";
        t.diagnostic(
          `${name} that wants ${preset} in ${colour}: ${outcome}, ${chosen.finding!.images} images`,
        );
        assert.ok(
          isRight(chosen.preprocessing) ||
            taken.isRival ||
            tried.some((each) => each.isRival && isRight(each.preprocessing)),
          `wanted ${preset} in ${colour}: ${said}`,
        );
      }
    });
  }
});
