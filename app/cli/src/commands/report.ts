/** `cupel report`: what one model does differently from another, layer by layer, whoever made it. */
import { assertWritable } from "@cupel/base";
import {
  choosePreprocessing,
  correctOutputs,
  firstLook,
  isClassifier,
  metadataKeys,
  modelInputs,
  openModel,
  requireLabels,
  withoutLabels,
} from "@cupel/predict";
import { classesOfBoth, makeReport } from "@cupel/report";
import { integer, text } from "../arguments/option.ts";
import { required } from "../arguments/parse.ts";
import { classesOption, givenClasses, imageOptions, openGiven, taskLabels } from "../input/image-options.ts";
import { givenInputs, inputsOption } from "../input/model-options.ts";
import { taskOption } from "../input/open-for-images.ts";
import {
  allowChanceOption,
  preprocessingOption,
  remarkChance,
  remarkPreprocessing,
} from "../input/preprocessing-option.ts";
import { skippedJson } from "../input/source-remarks.ts";
import { reportFiles, writeReport } from "../report/report-files.ts";
import { reportFacts, reportJson, slowerText } from "../report/report-summary.ts";
import { factsText } from "../terminal/table.ts";
import type { Command } from "./command.ts";

const images = imageOptions("", "to compare the models on, labelled or not");
const out = text({
  name: "out",
  short: "o",
  placeholder: "DIR",
  summary: "Folder of the report",
  fallback: "that of MODEL2",
});
const compared = integer({
  name: "compared-images",
  placeholder: "N",
  min: 1,
  value: 64,
  summary: "Images whose layers are compared, drawn evenly over the classes; accuracy is of all images",
});

export const reportCommand: Command = {
  description:
    "Writes MODEL2.report.html (open it in a browser) and MODEL2.report.json. Layers are matched by the names of " +
    "their values, as Cupel and the quantiser of ONNX Runtime (QDQ format) keep them. Both models get the same " +
    "images: prepared as MODEL says, else as MODEL2 says.",
  operands: [
    { name: "MODEL", summary: "The original" },
    { name: "MODEL2", summary: "What was made of it" },
  ],
  options: [
    ...Object.values(images),
    classesOption,
    taskOption,
    preprocessingOption,
    inputsOption,
    allowChanceOption,
    compared,
    out,
  ],
  examples: [
    {
      line: "cupel report resnet50.onnx resnet50.stock.onnx --images val/",
      says: "what did another quantiser cost?",
    },
  ],
  async run(given, { seed, threads, line, signal, progress, remark }) {
    const [originalPath, compressedPath] = [given.operands[0]!, given.operands[1]!];
    const files = reportFiles(compressedPath, given.get(out));
    await assertWritable(Object.values(files));
    const opened = { original: await openModel(originalPath), compressed: await openModel(compressedPath) };
    const spec = given.get(preprocessingOption);
    const first = choosePreprocessing(opened.original, spec);
    const usual = first.origin === "guessed" ? choosePreprocessing(opened.compressed, spec) : first;
    const source = await openGiven(given, images, required(given, images.images), remark);
    const labels = await taskLabels(given, images);
    const classes = givenClasses(given, source);
    const models = { original: opened.original.model, compressed: opened.compressed.model };
    const taskName = given.get(taskOption);
    if (taskName !== undefined) models.original.metadata.set(metadataKeys.task, taskName);
    const inputs = await givenInputs(given);
    const open = modelInputs(opened.original.model, usual.preprocessing, inputs).opener();
    const work = { seed, threads, signal, progress };
    const outputSentences = await correctOutputs(models.original, usual.preprocessing, () =>
      open(originalPath, { threads, signal }),
    );
    for (const sentence of outputSentences) remark(sentence);
    const isOfClasses = isClassifier(models.original);
    const labelled = isOfClasses
      ? requireLabels(source, classesOfBoth(models, classes, true)).images
      : withoutLabels(source);
    const { chosen, chance } = await firstLook(originalPath, opened.original, usual, labelled, {
      ...work,
      open,
    });
    remarkPreprocessing(originalPath, chosen, remark);
    remarkChance(originalPath, chance, chosen, given.get(allowChanceOption), remark);
    const report = await makeReport({
      originalPath,
      compressedPath,
      images: source,
      preprocessing: chosen.preprocessing,
      preprocessingOrigin: chosen,
      madeBy: { command: line },
      classes,
      taskName,
      labels: labels.path,
      labelColumn: labels.column,
      inputs,
      comparedImages: given.get(compared),
      ...work,
    });
    await writeReport(report, files, signal);
    for (const note of report.notes) remark(note);
    return {
      json: {
        original: originalPath,
        compressed: compressedPath,
        report: reportJson(report, files),
        skipped: skippedJson(source),
      },
      text: factsText([
        ["original", originalPath],
        ["compressed", [compressedPath, ...slowerText(report)].join(", ")],
        ["layers", `${report.layers.length} compared`],
        ...reportFacts(report),
        ["report", files.html],
      ]),
    };
  },
};
