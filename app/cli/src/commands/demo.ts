/**
 * `cupel demo`: the whole path in under a minute, on images that are drawn and with a network that was
 * trained on such images, so that nothing need be downloaded to see what a report looks like.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assertWritable } from "@cupel/base";
import { defaultRecipe } from "@cupel/compress";
import { readModelFile, writeModelFile } from "@cupel/onnx";
import { exportImages, syntheticInspection } from "@cupel/vision";
import { choice, flag, text } from "../arguments/option.ts";
import { compressWithReport } from "../compress/compress-with-report.ts";
import { summaryJson, summaryText } from "../compress/summary.ts";
import { reportFiles } from "../report/report-files.ts";
import type { Command } from "./command.ts";

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

const keep = flag({
  name: "keep",
  summary:
    "Also write the drawn images, a folder of PNGs for each class with a table of labels: " +
    "DIR/images, which calibrated, and DIR/eval-images, which judged",
});

/** Beside it lies the configuration that made it. */
const trainedNetwork = fileURLToPath(new URL("../../models/inspection.onnx", import.meta.url));
const calibrationImages = 1050;
const evaluationImages = 700;
/** A size, unlike an accuracy, can be reached whatever the seed. */
const sizeDivisor = 5;

export const demoCommand: Command = {
  description:
    "Draws circuit boards with and without defects, compresses a small residual network for them and reports. The " +
    "network comes with Cupel, which trained it on other drawn boards (cupel train, twelve epochs). It is there to " +
    "show the tool: real boards look different.",
  operands: [],
  options: [out, bits, keep],
  examples: [
    { line: "cupel demo", says: "then open cupel-demo/inspection.small.report.html" },
    {
      line: "cupel demo --keep",
      says: "images, labels and a model on disk, to try every other command on",
    },
  ],
  async run(given, context) {
    const { seed, signal, progress, remark } = context;
    const folder = given.get(out) ?? "cupel-demo";
    const original = join(folder, "inspection.onnx");
    const small = join(folder, "inspection.small.onnx");
    await assertWritable([original, small, ...Object.values(reportFiles(small, undefined))]);
    remark("The network was trained by Cupel on drawn boards; these here are drawn anew.");
    const { bytes } = await writeModelFile(await readModelFile(trainedNetwork), original, { signal });
    // Two seeds: images of one set are never those of the other, nor those the network was trained on.
    const images = syntheticInspection({ count: calibrationImages, seed: 2 * seed });
    const evaluation = syntheticInspection({ count: evaluationImages, seed: 2 * seed + 1 });
    const kept = given.get(keep)
      ? { images: join(folder, "images"), evalImages: join(folder, "eval-images") }
      : null;
    if (kept !== null) {
      await exportImages(images, kept.images, { signal, progress });
      await exportImages(evaluation, kept.evalImages, { signal, progress });
    }
    const maxBytes = Math.floor(bytes / sizeDivisor);
    const compressed = await compressWithReport(
      original,
      {
        out: small,
        images,
        evaluation,
        recipe: given.get(bits) === "8" ? defaultRecipe(8) : defaultRecipe("mixed", { maxBytes }),
        strict: true,
      },
      context,
    );
    return {
      json: { original, ...summaryJson(compressed), kept },
      text: [
        summaryText(compressed),
        "",
        `Open ${compressed.files.html} in a browser.`,
        ...(kept === null
          ? []
          : [
              "Images and labels are kept. To go on, for example:",
              `  npx cupel eval ${original} --images ${kept.evalImages} --compare ${small}`,
            ]),
      ].join("\n"),
    };
  },
};
