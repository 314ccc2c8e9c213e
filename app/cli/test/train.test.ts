/** `cupel train` from words to a model: by name, from a model, from a configuration; resumed, profiled, refused. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { lockFile } from "@cupel/base";
import { readModelFile } from "@cupel/onnx";
import { classifierBytes, cupel, filesUnder, prepared, type Scratch, scratch } from "./harness.ts";

/** 16 of the 64 pixels of the synthetic boards: enough to train with, not to learn from. */
const preprocessing = "resize=short-side:16,crop=16";
const small = ["--preprocessing", preprocessing, "--batch", "7", "--threads", "1", "--workers", "0"];
const network = "resnetCifar:depth=8,width=4";
/** The same for a configuration, but for what its tests are about. */
const smallConfig = { network, data: "synthetic:28", preprocessing, workers: 0 };

const trained = (...words: readonly string[]) =>
  cupel("train", network, "--data", "synthetic:28", ...small, "--json", ...words);

test("a network by name is trained, written, and judged as cupel eval judges it", async () => {
  await using folder = await scratch();
  const out = folder.at("net.onnx");
  const told = await trained(
    "--validation",
    "synthetic:21:5",
    "--epochs",
    "2",
    "--augment",
    "flip,shift=1",
    "-o",
    out,
  );
  assert.equal(told.status, 0, told.err);
  const { history, epoch, model, bytes } = JSON.parse(told.out);
  assert.equal(model, out);
  assert.equal(bytes, (await readFile(out)).length);
  assert.equal(history.length, 2);
  const epochs = told.err.split("\n").filter((line) => line.startsWith("epoch "));
  assert.equal(epochs.length, 2, "a line for each epoch, when it ends");
  assert.match(
    epochs[0]!,
    /^epoch 1 of 2: loss [\d.]+, [\d.]+ % right; validation loss [\d.]+, [\d.]+ % right; learning rate [\d.]+; [\d.]+ images\/s; the best so far$/,
  );
  assert.deepEqual(
    (await filesUnder(folder.at("net.history"))).map((name) => name.split(".")[0]),
    ["events", "history"],
  );
  const judged = await cupel("eval", out, "--images", "synthetic:21:5", "--json");
  assert.equal(judged.status, 0, judged.err);
  const [{ top1, classes }] = JSON.parse(judged.out).models;
  assert.equal(top1.value, history[epoch - 1].validationAccuracy);
  assert.equal(classes, 7);
  assert.doesNotMatch(judged.err, /how its images are prepared/, "the model says it");
});

test("a model is trained further, but for what is frozen", async () => {
  await using folder = await scratch();
  const { model, images, labels } = await prepared(folder);
  const out = folder.at("tuned.onnx");
  const told = await cupel(
    ...["train", model, "--data", images, "--labels", labels, "--batch", "20", "--epochs", "1"],
    ...["--freeze", "conv*", "--optimiser", "adamw", "--schedule", "one-cycle", "--threads", "1", "-o", out],
  );
  assert.equal(told.status, 0, told.err);
  assert.match(told.out, /tuned\.onnx/);
  assert.match(told.out, /1 of 1, not validated/);
  const [before, after] = await Promise.all(
    [model, out].map(async (path) => (await readModelFile(path)).graph),
  );
  const isSame = (name: string) =>
    Buffer.from(before!.value(name)!.constant!.bytes()).equals(after!.value(name)!.constant!.bytes());
  assert.deepEqual(["conv1.weight", "conv2.weight", "dense.weight"].map(isSame), [true, true, false]);
});

test("a killed training goes on with --resume, and longer than was meant", async () => {
  await using folder = await scratch();
  const out = folder.at("net.onnx");
  const run = ["--checkpoint", folder.at("run"), "-o", out];
  assert.equal((await trained("--epochs", "1", ...run)).status, 0);
  const again = await trained("--epochs", "1", ...run);
  assert.equal(again.status, 64);
  assert.match(again.err, /error TRAINING_CONFIG_INVALID: .*checkpoint\.safetensors/);
  const resumed = await trained("--epochs", "2", "--resume", ...run);
  assert.equal(resumed.status, 0, resumed.err);
  assert.equal(JSON.parse(resumed.out).history.length, 2);
});

test("a configuration says it all, and the command line goes before it", async () => {
  await using folder = await scratch();
  const config = await folder.write(
    "net.json",
    JSON.stringify({
      ...smallConfig,
      batch: 7,
      epochs: 3,
      seed: 5,
      threads: 1,
      out: folder.at("net.onnx"),
    }),
  );
  const told = await cupel("train", config, "--epochs", "1", "--json");
  assert.equal(told.status, 0, told.err);
  const { history, seed } = JSON.parse(told.out);
  assert.equal(history.length, 1);
  assert.equal(seed, 5);
  const plain = await trained("--epochs", "1", "--seed", "5", "-o", folder.at("same.onnx"));
  assert.equal(plain.status, 0, plain.err);
  assert.ok((await readFile(folder.at("same.onnx"))).equals(await readFile(folder.at("net.onnx"))));
});

test("names of an earlier version are read with a remark, on the command line and in a configuration", async () => {
  await using folder = await scratch();
  const config = await folder.write(
    "net.json",
    JSON.stringify({
      ...smallConfig,
      batch: "7",
      epochs: 1,
      rate: 0.01,
      "weight-decay": 0.001,
    }),
  );
  const told = await cupel("train", config, "--json", "--threads", "1", "-o", folder.at("net.onnx"));
  assert.equal(told.status, 0, told.err);
  assert.deepEqual(JSON.parse(told.out).remarks, [
    `${config}: "batch" is a number now: write 7 without quotes.`,
    `${config}: "rate" is now called "learningRate".`,
    `${config}: "weight-decay" is now called "weightDecay".`,
  ]);
  const [plain, former] = await Promise.all(
    ["--learning-rate", "--rate"].map((option, i) =>
      trained("--epochs", "1", option, "0.01", "-o", folder.at(`net${i}.onnx`)),
    ),
  );
  assert.equal(former!.status, 0, former!.err);
  assert.deepEqual(JSON.parse(former!.out).remarks, ["--rate is now called --learning-rate."]);
  assert.deepEqual(JSON.parse(plain!.out).remarks, []);
  const [first, second] = await Promise.all(
    ["net0.onnx", "net1.onnx"].map((name) => readFile(folder.at(name))),
  );
  assert.ok(first!.equals(second!));
});

test("a profile names the slowest nodes, and memory is judged", async () => {
  await using folder = await scratch();
  const told = await trained(
    "--epochs",
    "1",
    "--profile",
    folder.at("profile"),
    "--watch-memory",
    "-o",
    folder.at("net.onnx"),
  );
  assert.equal(told.status, 0, told.err);
  const { profile, memory } = JSON.parse(told.out);
  assert.ok(profile.slowest.length > 0);
  assert.match(memory, /memory/i);
  assert.match(await readFile(profile.flameGraph, "utf8"), /^<!doctype html>/i);
  assert.ok(JSON.parse(await readFile(profile.trace, "utf8")).traceEvents.length > 0);
});

interface Refused {
  readonly what: string;
  readonly code: string;
  readonly says: RegExp;
  /** Completes `cupel train`, where -o is added. */
  words(folder: Scratch): Promise<readonly string[]> | readonly string[];
}

const named =
  (spec: string, ...more: readonly string[]) =>
  () => [spec, "--data", "synthetic:28", ...more];
const configured = (config: unknown) => async (folder: Scratch) => [
  await folder.write("bad.json", typeof config === "string" ? config : JSON.stringify(config)),
];

const table: readonly Refused[] = [
  {
    what: "a network nobody knows",
    code: "TRAINING_CONFIG_INVALID",
    says: /resnet50\?/,
    words: named("resnet05"),
  },
  {
    what: "a stem that is misspelt",
    code: "TRAINING_CONFIG_INVALID",
    says: /"stem" must be imagenet or cifar, not "imagnet"/,
    words: named("resnet18:stem=imagnet"),
  },
  {
    what: "a parameter that is misspelt",
    code: "TRAINING_CONFIG_INVALID",
    says: /no parameter "widht".*width/,
    words: named("resnet18:widht=8"),
  },
  {
    what: "a width that is no number",
    code: "TRAINING_CONFIG_INVALID",
    says: /"width" must be a whole number/,
    words: named("resnet18:width=wide"),
  },
  {
    what: "a parameter given twice",
    code: "TRAINING_CONFIG_INVALID",
    says: /width=8/,
    words: named("resnet18:width=4,width=8"),
  },
  {
    what: "a network for other classes",
    code: "LABELS_MISMATCH",
    says: /7 classes.*10 apart/,
    words: named(`${network},classes=10`),
  },
  {
    what: "a model for other classes",
    code: "LABELS_MISMATCH",
    says: /7 classes.*3 apart/,
    words: async (folder) => [
      await folder.write("three.onnx", classifierBytes({ side: 64 })),
      "--data",
      "synthetic:28",
    ],
  },
  {
    what: "images without labels",
    code: "LABELS_MISMATCH",
    says: /no labels/,
    words: async (folder) => {
      const { images } = await prepared(folder);
      return [network, "--data", await folder.write("bare.idx", await readFile(images))];
    },
  },
  { what: "no images", code: "ARGUMENT_MISSING", says: /--data/, words: () => [network] },
  {
    what: "images that are not there",
    code: "IMAGE_SOURCE_UNKNOWN",
    says: /nowhere/,
    words: (folder) => [network, "--data", folder.at("nowhere")],
  },
  {
    what: "a batch larger than the set",
    code: "SELECTION_INVALID",
    says: /28 images.*100/,
    words: named(network, "--batch", "100"),
  },
  {
    what: "an augmentation nobody knows",
    code: "AUGMENTATION_INVALID",
    says: /wobble/,
    words: named(network, "--augment", "wobble"),
  },
  {
    what: "an output that another training is to write",
    code: "FILE_LOCKED",
    says: /out\.onnx is being written by .*give this training another path/,
    words: async (folder) => {
      await lockFile(folder.at("out.onnx"), "training");
      return [network, "--data", "synthetic:28"];
    },
  },
  {
    what: "a learning rate of 0",
    code: "OPTION_INVALID",
    says: /--learning-rate/,
    words: named(network, "--learning-rate", "0"),
  },
  {
    what: "a bound of 0 for the gradients",
    code: "OPTION_INVALID",
    says: /--clip-norm must be a number above 0, not "0"/,
    words: named(network, "--clip-norm", "0"),
  },
  {
    what: "a validation share of 0",
    code: "OPTION_INVALID",
    says: /--validation must be images, or a share above 0 and below 1, not "0"/,
    words: named(network, "--validation", "0"),
  },
  {
    what: "momentum for adamw",
    code: "OPTION_INVALID",
    says: /--momentum is of sgd/,
    words: named(network, "--momentum", "0", "--optimiser", "adamw"),
  },
  {
    what: "a warm-up beside the schedule that has its own",
    code: "OPTION_INVALID",
    says: /--warmup cannot be given with --schedule one-cycle/,
    words: named(network, "--warmup", "0", "--schedule", "one-cycle"),
  },
  {
    what: "parameters to freeze that are not there",
    code: "OPTION_INVALID",
    says: /layer9/,
    words: named(network, "--freeze", "layer9.*"),
  },
  {
    what: "a provider that is missing",
    code: "PROVIDER_UNAVAILABLE",
    says: /cuda/i,
    words: named(network, "--batch", "7", "--providers", "cuda"),
  },
  {
    what: "resume without a checkpoint",
    code: "OPTION_INVALID",
    says: /--checkpoint/,
    words: named(network, "--resume"),
  },
  {
    what: "a configuration with an unknown key",
    code: "TRAINING_CONFIG_INVALID",
    says: /"epoch".*"epochs"/,
    words: configured({ network, data: "synthetic:28", epoch: 3 }),
  },
  {
    what: "a configuration of options that contradict each other",
    code: "TRAINING_CONFIG_INVALID",
    says: /"momentum" is of sgd/,
    words: configured({ network, data: "synthetic:28", momentum: 0.5, optimiser: "adamw" }),
  },
  {
    what: "a configuration with a text for a flag",
    code: "TRAINING_CONFIG_INVALID",
    says: /"strict" must be true or false/,
    words: configured({ network, data: "synthetic:28", strict: "yes" }),
  },
  {
    what: "a configuration with a number that is none",
    code: "TRAINING_CONFIG_INVALID",
    says: /bad\.json.*"epochs" must be a whole number of at least 1, not "many"/,
    words: configured({ network, data: "synthetic:28", epochs: "many" }),
  },
  {
    what: "a configuration without a network",
    code: "TRAINING_CONFIG_INVALID",
    says: /"network"/,
    words: configured({ data: "synthetic:28" }),
  },
  {
    what: "a configuration that is not JSON",
    code: "TRAINING_CONFIG_INVALID",
    says: /JSON/,
    words: configured("{"),
  },
];

for (const { what, code, says, words } of table) {
  test(`${what} is refused with ${code}`, async () => {
    await using folder = await scratch();
    const given = await words(folder);
    const before = await filesUnder(folder.path);
    const told = await cupel("train", ...given, "-o", folder.at("out.onnx"), "--json");
    assert.notEqual(told.status, 0);
    assert.equal(JSON.parse(told.out).error.code, code, told.err);
    assert.match(told.err, says);
    assert.deepEqual(await filesUnder(folder.path), before, "a file was left behind");
  });
}
