/**
 * `cupel demo`: the whole path in under a minute, on pictures that are drawn and with a network that is
 * made on the spot, so that nothing need be downloaded to see what a report looks like.
 */
import { join } from "node:path";
import { defaultRecipe } from "@cupel/compress";
import { writeModelFile } from "@cupel/onnx";
import {
  labelsToMetadata,
  parsePreprocessing,
  preprocessingFor,
  preprocessingToMetadata,
  syntheticInspection,
} from "@cupel/vision";
import { choice, text } from "../arguments/option.ts";
import { compressModel } from "../compress/compress-model.ts";
import { outputPaths } from "../compress/output-paths.ts";
import { summaryText } from "../compress/summary.ts";
import { randomFeatureNetwork } from "../demo/random-feature-network.ts";
import { openModel } from "../subject/open-model.ts";
import { numberOf } from "../terminal/figures.ts";
import { summaryJson } from "./compress.ts";
import type { Verb } from "./verb.ts";

const out = text({
  name: "out",
  short: "o",
  placeholder: "DIR",
  summary: "Folder to write to",
  fallback: "./cupel-demo",
});
const bits = choice({
  name: "bits",
  choices: ["8", "mixed"],
  summary: "Bits of a weight at rest",
  fallback: "mixed, in a fifth of the bytes",
});

const trainingPictures = 1050;
const evaluationPictures = 700;
/** A size, unlike an accuracy, can be reached whatever the seed. */
const sizeDivisor = 5;
/** Boards are 64 x 64; half the size is enough to see a defect, and defects lie near the middle. */
const preparation = "resize=short-side:32,crop=18";

export const demoVerb: Verb = {
  name: "demo",
  summary: "See the whole path in under a minute: drawn pictures, a built-in network, a report",
  description:
    "Draws circuit boards with and without defects, makes a small network for them, compresses it and reports. The " +
    "network is not trained: its filters are patches of the pictures and its last layer is solved by ridge " +
    "regression. It is there to show the tool, not to inspect boards.",
  operands: [],
  options: [out, bits],
  examples: [{ command: "cupel demo", says: "then open cupel-demo/inspection.small.report.html" }],
  async run(given, context) {
    const { seed, threads, signal, progress, remark } = context;
    const folder = given.get(out) ?? "cupel-demo";
    const original = join(folder, "inspection.onnx");
    const paths = await outputPaths(join(folder, "inspection.small.onnx"), undefined, original);
    // Two seeds: pictures of one set are never those of the other.
    const training = syntheticInspection({ count: trainingPictures, seed: 2 * seed });
    const evaluation = syntheticInspection({ count: evaluationPictures, seed: 2 * seed + 1 });
    remark(
      `The network is a random-feature network, not a trained one: filters drawn from ${numberOf(trainingPictures, "synthetic picture")}, ` +
        "last layer by ridge regression.",
    );
    const preprocessing = parsePreprocessing(preparation, preprocessingFor([null, 1, 64, 64]));
    const network = await randomFeatureNetwork({
      pictures: training,
      preprocessing,
      seed,
      threads,
      signal,
      progress,
    });
    const facts = [...preprocessingToMetadata(preprocessing), ...labelsToMetadata(training.classes ?? [])];
    for (const [key, value] of facts) network.metadata.set(key, value);
    await writeModelFile(network, original, { signal });
    const opened = await openModel(original);
    const maxBytes = Math.floor(opened.bytes / sizeDivisor);
    const compressed = await compressModel(
      {
        opened,
        pictures: { calibration: training, evaluation },
        preprocessing,
        recipe: given.get(bits) === "8" ? defaultRecipe(8) : defaultRecipe("mixed", { maxBytes }),
        paths,
        strict: true,
        wantsReport: true,
      },
      context,
    );
    return {
      json: { original, ...summaryJson(compressed) },
      text: `${summaryText(compressed)}\n\nOpen ${paths.reportHtml} in a browser.`,
    };
  },
};
