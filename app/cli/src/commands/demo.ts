/**
 * `cupel demo`: the whole path in under a minute, on images that are drawn and with a network that was
 * trained on such images, so that nothing need be downloaded to see what a report looks like.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assertWritable, bytesText } from "@cupel/base";
import { packModel, parseRecipe, type Recipe } from "@cupel/compress";
import { foldConstants, readModelFile, runPasses, widenFloats, writeModelFile } from "@cupel/onnx";
import { exportImages, type ImageSource, syntheticInspection } from "@cupel/vision";
import { choice, flag, text } from "../arguments/option.ts";
import { compressWithReport } from "../compress/compress-with-report.ts";
import { summaryJson, summaryText } from "../compress/summary.ts";
import { reportFiles } from "../report/report-files.ts";
import { factsText } from "../terminal/table.ts";
import type { Command, CommandContext } from "./command.ts";

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
  fallback: "mixed, in a sixteenth of the bytes",
});

const keep = flag({
  name: "keep",
  summary:
    "Also write the drawn images, a folder of PNGs for each class with a table of labels: " +
    "DIR/images, which calibrated, DIR/train-images, which trained what pruning left, and DIR/eval-images, which judged",
});

/** Stored as float16. Beside it lies the configuration that made it. */
const trainedNetwork = fileURLToPath(new URL("../../models/inspection.onnx", import.meta.url));
const calibrationImages = 700;
const trainingImages = 1400;
const evaluationImages = 700;
/** A size, unlike an accuracy, can be reached whatever the seed. */
const sizeDivisor = 16;

export const demoCommand: Command = {
  description:
    "Draws circuit boards with and without defects, takes half of the channels out of a small residual network for them, trains what is left to answer " +
    "as before, rounds it, packs it and reports. The network comes with Cupel, which trained it on other drawn boards (cupel train, twelve epochs). It is " +
    "there to show the tool: real boards look different.",
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
    const packed = join(folder, "inspection.small.cupel");
    await assertWritable([original, small, packed, ...Object.values(reportFiles(small, undefined))]);
    remark("The network was trained by Cupel on drawn boards; these here are drawn anew.");
    const network = await readModelFile(trainedNetwork);
    runPasses(network, [widenFloats, foldConstants]);
    const { bytes } = await writeModelFile(network, original, { signal });
    // Seeds of their own: images of one set are never those of another, nor those the network was trained on.
    const drawn = (count: number, which: number) => syntheticInspection({ count, seed: 3 * seed + which });
    const sets = {
      images: drawn(calibrationImages, 0),
      trainImages: drawn(trainingImages, 1),
      evalImages: drawn(evaluationImages, 2),
    };
    const kept = given.get(keep) ? await keepImages(sets, folder, context) : null;
    const compressed = await compressWithReport(
      original,
      {
        out: small,
        images: sets.images,
        training: sets.trainImages,
        evaluation: sets.evalImages,
        recipe: recipeOf(given.get(bits) === "8" ? 8 : "mixed", Math.floor(bytes / sizeDivisor)),
        strict: true,
      },
      context,
    );
    const pack = await packModel(small, { out: packed, signal, progress });
    const { html } = compressed.files;
    return {
      json: { original, ...summaryJson(compressed), packed: { path: packed, bytes: pack.bytes }, kept },
      text: [
        summaryText(compressed),
        factsText([["packed", `${packed}, ${bytesText(pack.bytes.packed)} for transport`]]),
        "",
        `Open ${html} in a browser.`,
        "To go on, for example:",
        `  npx cupel bench-model ${original} ${small} --memory`,
        `  npx cupel inspect ${small} --memory`,
        `  npx cupel unpack ${packed} -o unpacked.onnx`,
        ...(kept === null
          ? ["  npx cupel demo --keep, which leaves the images too"]
          : linesOn(original, small, kept)),
      ].join("\n"),
    };
  },
};

/** Every stage that shows what more than rounding brings, at settings that a minute allows. */
function recipeOf(bits: 8 | "mixed", maxBytes: number): Recipe {
  return parseRecipe(
    {
      stages: [
        { stage: "clean" },
        { stage: "prune", keep: 0.5, fineTune: { epochs: 2 } },
        { stage: "equalise" },
        { stage: "calibrate" },
        { stage: "quantise", bits, rounding: "gptq" },
      ],
      ...(bits === "mixed" && { target: { maxBytes } }),
    },
    "The recipe of the demonstration",
  );
}

/** What needs the images. */
function linesOn(original: string, small: string, { images, trainImages, evalImages }: Folders): string[] {
  return [
    `  npx cupel eval ${original} --images ${evalImages} --compare ${small}`,
    `  npx cupel compress ${original} --images ${images} --train-images ${trainImages} --eval-images ${evalImages} --bits 4 --retrain 2 -o own.onnx`,
  ];
}

type Folders = Readonly<Record<"images" | "trainImages" | "evalImages", string>>;

async function keepImages(
  sets: Readonly<Record<keyof Folders, ImageSource>>,
  folder: string,
  { signal, progress }: CommandContext,
): Promise<Folders> {
  const folders = {
    images: join(folder, "images"),
    trainImages: join(folder, "train-images"),
    evalImages: join(folder, "eval-images"),
  };
  await exportImages(sets.images, folders.images, { signal, progress });
  await exportImages(sets.trainImages, folders.trainImages, { signal, progress });
  await exportImages(sets.evalImages, folders.evalImages, { signal, progress });
  return folders;
}
