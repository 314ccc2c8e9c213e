/** `cupel train`: images and a network in, a trained model out. */
import { extname, join } from "node:path";
import { writeModelFile } from "@cupel/onnx";
import type { ImageSource } from "@cupel/vision";
import { globals } from "../arguments/global-options.ts";
import { flag, invalid, text } from "../arguments/option.ts";
import { type Given, required } from "../arguments/parse.ts";
import { outputPaths } from "../compress/output-paths.ts";
import { BrokenImages, strictOption } from "../subject/broken-images.ts";
import { preprocessingOption } from "../subject/choose-preprocessing.ts";
import { classesOption, imageOptions, openGiven, openSource } from "../subject/open-labelled.ts";
import { chooseNetwork } from "../train/choose-network.ts";
import { withConfig } from "../train/config-file.ts";
import { networkNames } from "../train/network-spec.ts";
import { observedFit } from "../train/observed-fit.ts";
import { summaryText } from "../train/summary.ts";
import { chooseTraining, trainingOptions } from "../train/training-options.ts";
import type { Command } from "./command.ts";

const { labels, labelColumn } = imageOptions("", "");
const data = text({
  name: "data",
  placeholder: "DIR|FILE",
  summary:
    "Labelled images to train with: one folder a class, a CSV of labels, an IDX or CIFAR-10 binary file, or synthetic:COUNT[:SEED]",
});
const images = {
  images: data,
  labels: { ...labels, summary: labels.summary.replace("--images", "--data") },
  labelColumn,
};
const validation = text({
  name: "validation",
  placeholder: "DIR|FILE|SHARE",
  summary: "Images to judge each epoch by, or the share of --data to hold out, such as 0.1",
  fallback: "none",
});
const checkpoint = text({
  name: "checkpoint",
  placeholder: "DIR",
  summary: "Folder of the checkpoint that --resume continues from",
  fallback: "none is written",
});
const profile = text({
  name: "profile",
  placeholder: "DIR",
  summary:
    "Folder for a flame graph and a Chrome trace of the training, which gets slower; a few steps are enough",
});
const memory = flag({
  name: "watch-memory",
  summary: "Say at the end whether memory grew from step to step; under --profile the trace itself grows",
});
const out = text({ name: "out", short: "o", placeholder: "OUT.onnx", summary: "The model to write" });

const options = [
  ...Object.values(images),
  classesOption,
  validation,
  out,
  ...Object.values(trainingOptions),
  preprocessingOption,
  checkpoint,
  profile,
  memory,
  strictOption,
];

export const trainCommand: Command = {
  name: "train",
  summary: "Train a network on labelled images, or train a model further",
  description:
    `Networks by name: ${networkNames.join(", ")}. Parameters follow a colon, such as resnet50:width=32,stem=cifar; ` +
    "classes and input size are those of the images unless told with classes=10 and input=3x64x64. " +
    "The model that is written carries its preprocessing and class names. With the same seed and threads it is the same file, " +
    "also when the training was killed and resumed.\n" +
    'A configuration is JSON with the names of the options in camelCase as keys, and "network" for what is trained; options on the command line take precedence.',
  operands: [
    {
      name: "NETWORK",
      summary: "What is trained: MODEL.onnx, a network by name, or CONFIG.json that says all of it",
    },
  ],
  options,
  examples: [
    {
      line: "cupel train resnetCifar:depth=20 --data train-images-idx3-ubyte.gz --validation 0.1 --epochs 12 -o net.onnx",
      says: "a small network from nothing",
    },
    {
      line: "cupel train resnet50.onnx --data parts/ --validation 0.2 --learning-rate 0.005 --freeze 'conv1.*,bn1.*,layer1.*' -o parts.onnx",
      says: "a model trained further, its first layers as they are",
    },
    {
      line: "cupel train net.json --checkpoint run/ --resume -o net.onnx",
      says: "from a configuration; go on where it stopped",
    },
    {
      line: "cupel train resnetCifar:width=8 --data synthetic:700 --epochs 1 --profile profile/ --watch-memory -o demo.onnx",
      says: "where does the time go, and does memory grow?",
    },
  ],
  async run(line, context) {
    const { signal, progress, remark } = context;
    const subject = line.operands[0]!;
    const given =
      extname(subject) === ".json"
        ? await withConfig(line, subject, [...options, globals.seed, globals.threads])
        : line;
    for (const sentence of given.remarks.slice(line.remarks.length)) remark(sentence);
    const [what] = given.operands as [string];
    const seed = given.get(globals.seed);
    const path = (await outputPaths(required(given, out), undefined, what)).model;
    const train = await openGiven(given, images, required(given, data));
    const { network, preprocessing } = await chooseNetwork({
      subject: what,
      images: train,
      preprocessing: given.get(preprocessingOption),
      seed,
      remark,
    });
    const folder = given.get(checkpoint);
    const resume = given.get(trainingOptions.resume);
    if (resume && folder === undefined) throw invalid("resume", "needs --checkpoint DIR");
    const kept = folder === undefined ? null : join(folder, "checkpoint.safetensors");
    const observed = await observedFit(
      network,
      {
        ...chooseTraining(given, network),
        train,
        validation: await validationOf(given),
        preprocessing,
        seed,
        threads: Math.max(1, Math.floor(given.get(globals.threads) / given.get(trainingOptions.replicas))),
        checkpoint: kept === null ? undefined : { path: kept, resume },
        signal,
        progress,
      },
      {
        profile: given.get(profile) ?? null,
        watchesMemory: given.get(memory),
        title: `${what}, ${train.location}`,
      },
    );
    const { result } = observed;
    const written = await writeModelFile(result.model, path, { signal });
    const broken = new BrokenImages();
    broken.addAll(result.broken);
    const sentence = broken.sentence();
    if (sentence !== null) remark(sentence);
    return {
      json: {
        model: path,
        bytes: written.bytes,
        network: what,
        seed,
        epoch: result.epoch,
        stopped: result.stopped,
        history: result.history,
        checkpoint: kept,
        profile: observed.profile,
        memory: observed.memory,
        broken: broken.toJSON(),
      },
      text: summaryText({ ...observed, path, bytes: written.bytes, checkpoint: kept }),
    };
  },
};

/** A number is a share of the training images, all else a place. */
async function validationOf(given: Given): Promise<ImageSource | number | undefined> {
  const told = given.get(validation);
  if (told === undefined) return undefined;
  if (/^\d*\.?\d+$/.test(told)) return Number(told);
  return openSource(told, { labelColumn: given.get(labelColumn), classes: given.get(classesOption) });
}
