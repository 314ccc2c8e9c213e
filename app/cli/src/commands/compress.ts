/** `cupel compress`: a trained model in, a smaller one and a report of what it cost out. */
import { assertWritable } from "@cupel/base";
import { looksAtImages } from "@cupel/compress";
import { flag, invalid, text } from "../arguments/option.ts";
import { type Given, required } from "../arguments/parse.ts";
import { inputFacts, modelDigest, modelFacts, outputFacts, settingsDigest } from "../audit/input-facts.ts";
import { recordOptions } from "../audit/record-options.ts";
import { recorded, type WorkFacts } from "../audit/recorded.ts";
import { chooseRecipe, recipeOptions } from "../compress/choose-recipe.ts";
import { type Compressed, compressWithReport } from "../compress/compress-with-report.ts";
import { floorOption } from "../compress/floor-option.ts";
import { calibrationOptions, evaluationOptions, trainingOptions } from "../compress/image-options.ts";
import { summaryJson, summaryText } from "../compress/summary.ts";
import { classesOption, givenClasses, openGiven, taskLabels } from "../input/image-options.ts";
import { isolationOptions, tryIfIsolated } from "../input/isolation.ts";
import { givenInputs, inputsOption } from "../input/model-options.ts";
import { taskOption } from "../input/open-for-images.ts";
import { allowChanceOption, preprocessingOption } from "../input/preprocessing-option.ts";
import { skippedJson } from "../input/source-remarks.ts";
import { strictOption } from "../input/unreadable-images.ts";
import { profiled, profileFacts, profileFiles, profileOption } from "../profile/profiled.ts";
import { submitOptions } from "../queue/submit-options.ts";
import { reportFiles } from "../report/report-files.ts";
import { factsText } from "../terminal/table.ts";
import type { Command } from "./command.ts";

const outOption = text({ name: "out", short: "o", placeholder: "OUT.onnx", summary: "The model to write" });
const externalData = flag({
  name: "external-data",
  summary:
    "Weights in a file of their own beside OUT.onnx, OUT.DIGEST.data, each at the start of a page: an engine maps them instead of reading them",
});
const reportDir = text({
  name: "report-dir",
  placeholder: "DIR",
  summary: "Folder of the report",
  fallback: "that of OUT.onnx",
});
const noReport = flag({ name: "no-report", summary: "Write the model only, and measure nothing" });

/** What has a meaning with images only. @throws OPTION_INVALID */
function refuseWithoutImages(given: Given): void {
  const idle = [
    calibrationOptions.labels,
    calibrationOptions.labelColumn,
    ...Object.values(trainingOptions),
    ...Object.values(evaluationOptions),
    reportDir,
  ].find((option) => given.has(option));
  if (idle) throw invalid(idle.name, "is of no use without --images");
}

async function factsOf({ model, bytes, layers }: Compressed): Promise<WorkFacts> {
  return {
    object: await outputFacts(model, modelDigest),
    context: {
      bytes: String(bytes.compressed),
      bytesBefore: String(bytes.original),
      layers: String(layers.length),
    },
  };
}

/** Options that say how jobs are shared. @throws OPTION_INVALID */
function refuseWithoutQueue(given: Given): void {
  const idle = Object.values(submitOptions).find((option) => given.has(option));
  if (idle) throw invalid(idle.name, "is of no use without --queue");
}

async function givenFacts(given: Given, signal: AbortSignal) {
  return {
    ...(await modelFacts(given.operands[0]!, signal)),
    ...(await inputFacts(
      {
        data: given.get(calibrationOptions.images),
        labels: given.get(calibrationOptions.labels),
        training: given.get(trainingOptions.images),
        trainingLabels: given.get(trainingOptions.labels),
        evaluation: given.get(evaluationOptions.images),
        evaluationLabels: given.get(evaluationOptions.labels),
      },
      signal,
    )),
  };
}

export const compressCommand: Command = {
  description:
    "Writes a plain ONNX model that any ONNX Runtime runs, OUT.report.html (open it in a browser) and " +
    "OUT.report.json. Needs images like those the model was trained on, labelled or not, but for --bits 16. The " +
    "preprocessing and the class names travel inside the model that is written.",
  operands: [
    { name: "MODEL", summary: "The trained model, ONNX, in float; with --queue also a folder of them" },
  ],
  options: [
    ...Object.values(calibrationOptions),
    outOption,
    externalData,
    ...Object.values(recipeOptions),
    floorOption,
    ...Object.values(trainingOptions),
    ...Object.values(evaluationOptions),
    classesOption,
    taskOption,
    preprocessingOption,
    inputsOption,
    allowChanceOption,
    reportDir,
    noReport,
    profileOption,
    strictOption,
    ...isolationOptions,
    ...Object.values(submitOptions),
    ...Object.values(recordOptions),
  ],
  examples: [
    { line: "cupel compress resnet50.onnx --images calib/ -o resnet50.int8.onnx", says: "8 bits" },
    {
      line: "cupel compress resnet50.onnx --images calib/ --eval-images val/ --max-drop 0.7 -o resnet50.small.onnx",
      says: "as small as it gets while losing at most 0.7 points",
    },
    {
      line: "cupel compress resnet50.onnx --images calib/ --max-bytes 11.3MB -o resnet50.small.onnx",
      says: "as accurate as it gets in 11.3 MB",
    },
    {
      line: "cupel compress resnet50.onnx --images calib/ --keep-channels 0.85 --train-images train/ -o resnet50.small.onnx",
      says: "without the channels that matter least, trained to answer as before; labels are not needed",
    },
    {
      line: "cupel compress resnet50.onnx --images calib/ --max-latency 25% --train-images train/ -o resnet50.fast.onnx",
      says: "8 bits, and as many channels as a quarter of the original's time on this machine allows",
    },
    {
      line: "cupel compress resnet50.onnx --images calib/ --bits 4 --keep-channels auto --max-bytes 9.6MB -o resnet50.small.onnx",
      says: "4 bits everywhere, and without the channels that it takes to fit into 9.6 MB",
    },
    {
      line: "cupel compress resnet50.onnx --images calib/ --bits 4 --train-images train/ --retrain 8 -o resnet50.int4.onnx",
      says: "4 bits everywhere, trained to answer as before",
    },
    {
      line: "cupel compress resnet50.onnx --images calib/ --train-images train/ --early-exit 0.3 -o resnet50.early.onnx",
      says: "8 bits, and images leave half-way where the network is sure of them, for at most 0.3 points",
    },
    {
      line: "cupel compress resnet50.onnx --images calib/ --train-images train/ --gates 0.3 -o resnet50.gates.onnx",
      says: "8 bits, and images go past residual blocks that they do not need, for at most 0.3 points",
    },
    {
      line: "cupel compress resnet50.onnx --bits 16 -o resnet50.half.onnx",
      says: "half of the size, without images; it computes in float32 as before",
    },
    {
      line: "cupel compress /mnt/models/in --images /mnt/models/calib --max-drop 0.7 --queue redis://10.0.0.5 --share /mnt/models -o small/",
      says: "a folder of models, every width tried on each by the machines that run cupel work",
    },
  ],
  async run(given, context) {
    const out = required(given, outOption);
    const url = given.get(submitOptions.queue);
    if (url !== undefined) {
      const { retrain, gates, earlyExit, earlyExitSpeed } = recipeOptions;
      const idle = [...Object.values(trainingOptions), retrain, gates, earlyExit, earlyExitSpeed].find(
        (option) => given.has(option),
      );
      if (idle) throw invalid(idle.name, "is of no use with --queue: its jobs do not train");
      if (given.has(recipeOptions.maxLatency))
        throw invalid(
          "max-latency",
          "is of no use with --queue: a time is that of the machine that measures it",
        );
      if (given.get(externalData))
        throw invalid(externalData.name, "is of no use with --queue: a job's model is one file");
      const { compressByQueue } = await import("../queue/compress-by-queue.ts");
      const order = { url, out, reportFolder: given.get(reportDir), report: !given.get(noReport) };
      return await recorded(
        {
          name: "compress",
          about: async () => ({ object: await givenFacts(given, context.signal) }),
          async run() {
            return {
              outcome: await compressByQueue(given, order, context),
              about: async () => ({ object: {} }),
            };
          },
        },
        given,
        context,
      );
    }
    refuseWithoutQueue(given);
    const recipe = await chooseRecipe(given, context.remark);
    const hasImages = given.has(calibrationOptions.images) || looksAtImages(recipe);
    if (!hasImages) refuseWithoutImages(given);
    const report = hasImages && !given.get(noReport);
    const reportFolder = given.get(reportDir);
    await assertWritable([
      out,
      ...(report ? Object.values(reportFiles(out, reportFolder)) : []),
      ...Object.values(profileFiles(given.get(profileOption))),
    ]);
    const evaluationPath = given.get(evaluationOptions.images);
    const path = given.operands[0]!;
    const { remark } = context;
    const work = async () => {
      const inputs = await givenInputs(given);
      await tryIfIsolated(path, given, { spec: given.get(preprocessingOption), tensors: inputs }, context);
      const images = hasImages
        ? await openGiven(given, calibrationOptions, required(given, calibrationOptions.images), remark)
        : undefined;
      const trainingPath = given.get(trainingOptions.images);
      const training =
        trainingPath === undefined
          ? undefined
          : await openGiven(given, trainingOptions, trainingPath, remark);
      const evaluation =
        evaluationPath === undefined
          ? undefined
          : await openGiven(given, evaluationOptions, evaluationPath, remark);
      const labels = await taskLabels(given, evaluation ? evaluationOptions : calibrationOptions);
      const { result: compressed, profile } = await profiled(given.get(profileOption), path, async (open) =>
        compressWithReport(
          path,
          {
            open,
            out,
            externalData: given.get(externalData),
            images,
            training,
            classes: images && givenClasses(given, images),
            needsLabels: given.has(calibrationOptions.labels) || given.has(calibrationOptions.labelColumn),
            evaluation,
            taskName: given.get(taskOption),
            labelsPath: labels.path,
            labelColumn: labels.column,
            preprocessing: given.get(preprocessingOption),
            inputs,
            allowChance: given.get(allowChanceOption),
            recipe,
            floor: given.get(floorOption),
            report,
            reportFolder,
            strict: given.get(strictOption),
          },
          context,
        ),
      );
      const outcome = {
        json: {
          ...summaryJson(compressed),
          skipped: skippedJson(...[images, training, evaluation].filter((each) => each !== undefined)),
          profile,
        },
        text: [
          summaryText(compressed),
          ...(profile === null ? [] : ["", factsText(profileFacts(profile))]),
        ].join("\n"),
      };
      return { outcome, about: async () => factsOf(compressed) };
    };
    return recorded(
      {
        name: "compress",
        about: async () => ({
          object: await givenFacts(given, context.signal),
          context: { settings: settingsDigest(given, compressCommand.options, { recipe }) },
        }),
        run: work,
      },
      given,
      context,
    );
  },
};
