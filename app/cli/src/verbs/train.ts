/** `cupel train`: pictures and a network in, a trained model out. */
import { extname, join } from "node:path";
import { writeModelFile } from "@cupel/onnx";
import type { PictureSource } from "@cupel/vision";
import { globals } from "../arguments/global-options.ts";
import { flag, invalid, text } from "../arguments/option.ts";
import { type Given, required } from "../arguments/parse.ts";
import { outputPaths } from "../compress/output-paths.ts";
import { BrokenPictures, strictOption } from "../subject/broken-pictures.ts";
import { preprocessingOption } from "../subject/choose-preprocessing.ts";
import { classesOption, openGiven, openSource, pictureOptions } from "../subject/open-labelled.ts";
import { chooseNetwork } from "../train/choose-network.ts";
import { withConfig } from "../train/config-file.ts";
import { networkNames } from "../train/network-spec.ts";
import { observedFit } from "../train/observed-fit.ts";
import { summaryText } from "../train/summary.ts";
import { chooseTraining, trainingOptions } from "../train/training-options.ts";
import type { Verb } from "./verb.ts";

const { labels, labelColumn } = pictureOptions("", "");
const data = text({
  name: "data",
  placeholder: "DIR|FILE",
  summary:
    "Labelled pictures to train with: one folder a class, a CSV of labels, an IDX or CIFAR-10 binary file, or synthetic:COUNT[:SEED]",
});
const pictures = {
  images: data,
  labels: { ...labels, summary: labels.summary.replace("--images", "--data") },
  labelColumn,
};
const validation = text({
  name: "validation",
  placeholder: "DIR|FILE|SHARE",
  summary: "Pictures to judge each epoch by, or the share of --data to hold back, such as 0.1",
  fallback: "none",
});
const checkpoint = text({
  name: "checkpoint",
  placeholder: "DIR",
  summary: "Folder of the checkpoint, from which a training that ended goes on with --resume",
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
  ...Object.values(pictures),
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

export const trainVerb: Verb = {
  name: "train",
  summary: "Train a network on labelled pictures, or train a model further",
  description:
    `Networks by name: ${networkNames.join(", ")}. Parameters follow a colon, such as resnet50:width=32,stem=cifar; ` +
    "classes and input size are those of the pictures unless told with classes=10 and input=3x64x64. " +
    "The model that is written carries its preprocessing and class names. With the same seed and threads it is the same file, " +
    "also when the training was killed and resumed.\n" +
    'A configuration is JSON with the names of the options as keys, and "network" for what is trained; the command line goes before it.',
  operands: [
    {
      name: "NETWORK",
      summary: "What is trained: MODEL.onnx, a network by name, or CONFIG.json that says all of it",
    },
  ],
  options,
  examples: [
    {
      command:
        "cupel train resnetCifar:depth=20 --data train-images-idx3-ubyte.gz --validation 0.1 --epochs 12 -o net.onnx",
      says: "a small network from nothing",
    },
    {
      command:
        "cupel train resnet50.onnx --data parts/ --validation 0.2 --rate 0.005 --freeze 'conv1.*,bn1.*,layer1.*' -o parts.onnx",
      says: "a model trained further, its first layers as they are",
    },
    {
      command: "cupel train net.json --checkpoint run/ --resume -o net.onnx",
      says: "from a configuration; go on where it stopped",
    },
    {
      command:
        "cupel train resnetCifar:width=8 --data synthetic:700 --epochs 1 --profile profile/ --watch-memory -o demo.onnx",
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
    const [what] = given.operands as [string];
    const seed = given.get(globals.seed);
    const path = (await outputPaths(required(given, out), undefined, what)).model;
    const train = await openGiven(given, pictures, required(given, data));
    const { network, preprocessing } = await chooseNetwork({
      subject: what,
      pictures: train,
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
    const broken = new BrokenPictures();
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

/** A number is a share of the training pictures, all else a place. */
async function validationOf(given: Given): Promise<PictureSource | number | undefined> {
  const told = given.get(validation);
  if (told === undefined) return undefined;
  if (/^\d*\.?\d+$/.test(told)) return Number(told);
  return openSource(told, { labelColumn: given.get(labelColumn), classes: given.get(classesOption) });
}
