/** The options of `cupel train`, and what they make of a training. */
import type { Model } from "@cupel/onnx";
import type { FitOptions, Optimiser, Schedule } from "@cupel/train";
import { parseAugmentation } from "@cupel/vision";
import { choice, flag, integer, invalid, number, text } from "../arguments/option.ts";
import type { Given } from "../arguments/parse.ts";
import { strictOption } from "../subject/broken-images.ts";

const positive = { expects: "a number above 0", holds: (value: number) => value > 0 };
const share = { expects: "at least 0 and below 1", holds: (value: number) => value >= 0 && value < 1 };

export const trainingOptions = {
  epochs: integer({
    name: "epochs",
    placeholder: "N",
    min: 1,
    value: 10,
    summary: "Times through the images",
  }),
  batch: integer({ name: "batch", placeholder: "N", min: 1, value: 64, summary: "Images a step" }),
  optimiser: choice({
    name: "optimiser",
    choices: ["sgd", "adamw"],
    summary: "How steps are taken",
    fallback: "sgd",
  }),
  learningRate: number({
    name: "learning-rate",
    formerly: "rate",
    placeholder: "X",
    ...positive,
    summary: "Learning rate, the largest of the schedule",
    fallback: "0.05 for sgd, 0.001 for adamw",
  }),
  schedule: choice({
    name: "schedule",
    choices: ["cosine", "one-cycle", "step", "constant"],
    summary: "How the learning rate changes from step to step",
    fallback: "cosine",
  }),
  warmup: integer({
    name: "warmup",
    placeholder: "STEPS",
    min: 0,
    value: 0,
    summary: "Steps over which the learning rate first rises; one-cycle has its own",
  }),
  momentum: number({ name: "momentum", placeholder: "X", ...share, summary: "Of sgd", fallback: "0.9" }),
  weightDecay: number({
    name: "weight-decay",
    placeholder: "X",
    ...share,
    summary: "Weight decay",
    fallback: "0 for sgd, 0.01 for adamw",
  }),
  clipNorm: number({
    name: "clip-norm",
    placeholder: "X",
    ...positive,
    summary: "Greatest norm of all gradients together",
    fallback: "not clipped",
  }),
  smoothing: number({
    name: "smoothing",
    placeholder: "X",
    ...share,
    summary: "Label smoothing: share of the probability that is spread over all classes",
    fallback: "0",
  }),
  augment: text({
    name: "augment",
    placeholder: "SPEC",
    summary: "Random changes of the training images, such as flip,crop=4,colour=0.2",
    fallback: "none",
  }),
  freeze: text({
    name: "freeze",
    placeholder: "NAMES",
    summary: "Parameters to leave as they are, such as conv1.*,layer1.*",
    fallback: "all are trained",
  }),
  statistics: choice({
    name: "statistics",
    choices: ["batch", "frozen"],
    summary: "Normalise by each batch and keep running statistics, or use those the model has",
    fallback: "batch",
  }),
  patience: integer({
    name: "patience",
    placeholder: "EPOCHS",
    min: 1,
    value: Number.MAX_SAFE_INTEGER,
    fallback: "never",
    summary: "Stop when so many epochs brought nothing better; needs --validation",
  }),
  metric: choice({
    name: "metric",
    choices: ["accuracy", "loss"],
    summary: "What of the validation tells the best epoch",
    fallback: "accuracy",
  }),
  keep: choice({
    name: "keep",
    choices: ["best", "last"],
    summary: "The epoch that is written",
    fallback: "best",
  }),
  workers: integer({
    name: "workers",
    placeholder: "N",
    min: 0,
    value: 1,
    summary: "Threads that prepare images, beside those of the engine",
  }),
  replicas: integer({
    name: "replicas",
    placeholder: "N",
    min: 1,
    value: 1,
    summary: "Sessions that share each batch, each with its part of --threads",
  }),
  precision: choice({
    name: "precision",
    choices: ["float32", "mixed"],
    summary: "Mixed computes products and convolutions in float16, for providers that are faster with it",
    fallback: "float32",
  }),
  providers: text({
    name: "providers",
    placeholder: "LIST",
    summary: "Execution providers of the engine in order of preference, such as cuda,cpu",
    fallback: "cpu",
  }),
  resume: flag({ name: "resume", summary: "Go on from the checkpoint, where there is one" }),
};

type Chosen = Pick<
  FitOptions,
  | "epochs"
  | "batch"
  | "schedule"
  | "optimiser"
  | "loss"
  | "augmentation"
  | "statistics"
  | "patience"
  | "metric"
  | "keep"
  | "loader"
  | "executionProviders"
  | "replicas"
  | "precision"
  | "clipNorm"
  | "trainable"
>;

/** @throws AUGMENTATION_INVALID, OPTION_INVALID */
export function chooseTraining(given: Given, network: Model): Chosen {
  const get = trainingOptions;
  const kind = given.get(get.optimiser) ?? "sgd";
  const clipNorm = given.get(get.clipNorm);
  const freeze = given.get(get.freeze);
  return {
    epochs: given.get(get.epochs),
    batch: given.get(get.batch),
    schedule: scheduleOf(given, given.get(get.learningRate) ?? (kind === "sgd" ? 0.05 : 0.001)),
    optimiser: optimiserOf(given, kind),
    loss: { kind: "cross-entropy", smoothing: given.get(get.smoothing) ?? 0 },
    augmentation: parseAugmentation(given.get(get.augment) ?? ""),
    statistics: given.get(get.statistics) ?? "batch",
    patience: given.has(get.patience) ? given.get(get.patience) : undefined,
    metric: given.get(get.metric),
    keep: given.get(get.keep),
    loader: { workers: given.get(get.workers), strict: given.get(strictOption) },
    replicas: given.get(get.replicas),
    precision: given.get(get.precision) ?? "float32",
    executionProviders: given.get(get.providers)?.split(","),
    ...(clipNorm === undefined ? {} : { clipNorm }),
    ...(freeze === undefined ? {} : { trainable: allBut(freeze, network) }),
  };
}

function scheduleOf(given: Given, learningRate: number): Schedule {
  const kind = given.get(trainingOptions.schedule) ?? "cosine";
  if (kind !== "one-cycle") return { kind, learningRate, warmup: given.get(trainingOptions.warmup) };
  if (given.has(trainingOptions.warmup)) throw invalid("warmup", "cannot be given with --schedule one-cycle");
  return { kind, learningRate };
}

function optimiserOf(given: Given, kind: "sgd" | "adamw"): Optimiser {
  const weightDecay = given.get(trainingOptions.weightDecay);
  const momentum = given.get(trainingOptions.momentum);
  const decay = weightDecay === undefined ? {} : { weightDecay };
  if (kind === "sgd") return { kind, ...decay, ...(momentum === undefined ? {} : { momentum }) };
  if (momentum !== undefined) throw invalid("momentum", "is of sgd");
  return { kind, ...decay };
}

/** @param names separated by commas; `*` stands for anything. @throws OPTION_INVALID when one names nothing */
function allBut(names: string, network: Model): (name: string) => boolean {
  const patterns = names.split(",").map((name) => ({
    name,
    matches: new RegExp(
      `^${name
        .split("*")
        .map((part) => part.replace(/\W/g, "\\$&"))
        .join(".*")}$`,
    ),
  }));
  const known = Array.from(network.graph.initializers, (value) => value.name);
  const idle = patterns.find(({ matches }) => !known.some((name) => matches.test(name)));
  if (idle) {
    throw invalid(
      "freeze",
      `names no parameter with "${idle.name}"; cupel inspect --layers shows their names`,
    );
  }
  return (name) => !patterns.some(({ matches }) => matches.test(name));
}
