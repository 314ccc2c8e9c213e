/** `cupel predict`: what a model sees in images, told image by image while it works. */
import { silentProgress, writeFileAtomically } from "@cupel/base";
import type { KnownPredictor } from "@cupel/predict";
import { classNames, type ImageSource } from "@cupel/vision";
import { globals } from "../arguments/global-options.ts";
import { integer, invalid, text } from "../arguments/option.ts";
import { type Given, required } from "../arguments/parse.ts";
import { inputFacts, modelFacts, outputFacts, settingsDigest } from "../audit/input-facts.ts";
import { recordOptions } from "../audit/record-options.ts";
import { type FinishedWork, recorded } from "../audit/recorded.ts";
import { imageOptions, openSource } from "../input/image-options.ts";
import { isolationOptions } from "../input/isolation.ts";
import { type ModelFile, modelFile } from "../input/model-file.ts";
import { inputsOption, providersOption } from "../input/model-options.ts";
import { openForImages, taskOption } from "../input/open-for-images.ts";
import { preprocessingJson, preprocessingOption } from "../input/preprocessing-option.ts";
import { remarkSource, skippedJson } from "../input/source-remarks.ts";
import { strictOption, UnreadableImages } from "../input/unreadable-images.ts";
import { drawOption, writeDrawing } from "../predict/drawings.ts";
import { type PredictedImage, type ToldPredictions, toldPredictions } from "../predict/prediction-forms.ts";
import { numberOf } from "../terminal/figures.ts";
import { factsText } from "../terminal/table.ts";
import type { Command, CommandContext } from "./command.ts";

const { images, labelColumn } = imageOptions("", "to predict; labels are not needed");
const classes = text({
  name: "classes",
  placeholder: "FILE",
  summary: "Class names in the order of the model's classes, one a line",
  fallback: "as the model's metadata says, else class 0, class 1, ...",
});
const top = integer({
  name: "top",
  placeholder: "N",
  min: 1,
  value: 3,
  summary: "Classes to tell of each image, the likeliest first",
});
const csv = text({
  name: "csv",
  placeholder: "FILE",
  summary:
    "Write the predictions as CSV, with - to standard output; a name that a spreadsheet would take for a formula gets an apostrophe before it",
});

export const predictCommand: Command = {
  description:
    "One line an image, printed while the work goes on: its name, then what the model's task tells of it, such as the " +
    "likeliest class and its probability, and the next ones. Labels that the images have are used only to find the preprocessing, where the model does not say it.",
  operands: [{ name: "MODEL", summary: "The ONNX model, or - for standard input", readsStandardInput: true }],
  options: [
    images,
    labelColumn,
    classes,
    top,
    taskOption,
    csv,
    drawOption,
    preprocessingOption,
    inputsOption,
    providersOption,
    strictOption,
    ...isolationOptions,
    ...Object.values(recordOptions),
  ],
  examples: [
    { line: "cupel predict parts.onnx --images a.jpg", says: "one image" },
    { line: "cupel predict yolov8n.onnx --images inbox/ --draw boxes/", says: "boxes drawn into the images" },
    { line: "cupel predict parts.onnx --images inbox/ --csv inbox.csv", says: "a folder, for a spreadsheet" },
    {
      line: "cupel predict resnet50.onnx --images inbox/ --classes imagenet.txt --top 5 --json",
      says: "for a program, with names that the model does not carry",
    },
  ],
  async run(given, context) {
    const path = given.get(csv);
    if (path === "-" && given.get(globals.json)) {
      throw invalid("csv", "with - prints CSV where --json prints JSON: leave out one of them");
    }
    const resources = new AsyncDisposableStack();
    try {
      const file = resources.use(await modelFile(given.operands[0]!, context));
      return await recorded(
        {
          name: "predict",
          about: async () => ({
            object: {
              ...(await modelFacts(file.path, context.signal, file.name)),
              ...(await inputFacts({ data: given.get(images) }, context.signal)),
            },
            context: { settings: settingsDigest(given, predictCommand.options) },
          }),
          run: () => predicted(file, resources, given, context),
        },
        given,
        context,
      );
    } catch (thrown) {
      await resources.disposeAsync();
      throw thrown;
    }
  },
};

/** @param resources where what it opens is closed */
async function predicted(
  file: ModelFile,
  resources: AsyncDisposableStack,
  given: Given,
  context: CommandContext,
): Promise<FinishedWork> {
  const path = given.get(csv);
  const names = given.get(classes);
  const source = await openSource(required(given, images), {
    labelColumn: given.get(labelColumn),
    strict: given.get(strictOption),
  });
  remarkSource(source, context.remark);
  const named = names === undefined ? undefined : ((await classNames(names, ".")) ?? undefined);
  const options = { findWith: source, classes: named };
  const predictor = resources.use(await openForImages(file, given, context, options));
  const forms = toldPredictions(predictor, {
    images: source,
    classes: predictor.classes,
    top: given.get(top),
  });
  const work = { name: file.name, predictor, source, forms, resources };
  if (path === undefined || path === "-") return printed(work, path === "-", given, context);
  return await written(work, path, given, context);
}

interface Work {
  /** Of the model. */
  readonly name: string;
  readonly predictor: KnownPredictor;
  readonly source: ImageSource;
  readonly forms: ToldPredictions;
  /** Closed when the last image is predicted, or none is wanted any more. */
  readonly resources: AsyncDisposable;
}

function printed(work: Work, isCsv: boolean, given: Given, context: CommandContext): FinishedWork {
  const { forms } = work;
  const unreadable = new UnreadableImages();
  let count = 0;
  // On one screen the lines are the progress.
  const progress = context.terminal.isOutInteractive ? silentProgress : context.progress;
  async function* items() {
    for await (const { json, row, csv: line } of predictions(
      work,
      given,
      { ...context, progress },
      unreadable,
    )) {
      count++;
      yield { json, text: isCsv ? line() : row() };
    }
  }
  const outcome = {
    begin: { json: about(work), text: isCsv ? forms.csvHeader : forms.tableHeader },
    list: "predictions",
    items: items(),
    end() {
      remarkUnreadable(unreadable, work, context);
      return { json: { unreadable: unreadable.toJSON(), skipped: skippedJson(work.source) }, text: "" };
    },
  };
  return { outcome, about: async () => ({ object: {}, context: { images: String(count) } }) };
}

async function written(
  work: Work,
  path: string,
  given: Given,
  context: CommandContext,
): Promise<FinishedWork> {
  const { forms } = work;
  const unreadable = new UnreadableImages();
  let count = 0;
  async function* lines() {
    yield Buffer.from(`${forms.csvHeader}\n`);
    for await (const { csv: line } of predictions(work, given, context, unreadable)) {
      count++;
      const text = line();
      if (text !== "") yield Buffer.from(`${text}\n`);
    }
  }
  await writeFileAtomically(path, lines(), { signal: context.signal });
  remarkUnreadable(unreadable, work, context);
  const outcome = {
    json: {
      ...about(work),
      csv: path,
      images: count,
      unreadable: unreadable.toJSON(),
      skipped: skippedJson(work.source),
    },
    text: factsText([
      ["model", work.name],
      ["predictions", `${path}, ${numberOf(count, "image")}`],
    ]),
  };
  return {
    outcome,
    about: async () => ({ object: await outputFacts(path), context: { images: String(count) } }),
  };
}

async function* predictions(
  { source, forms, resources }: Work,
  given: Given,
  { signal, progress }: Pick<CommandContext, "signal" | "progress">,
  unreadable: UnreadableImages,
): AsyncGenerator<PredictedImage, void, undefined> {
  await using _ = resources;
  const options = { strict: given.get(strictOption), signal, progress, onUnreadable: unreadable.add };
  const folder = given.get(drawOption);
  for await (const predicted of forms.predict(source, options)) {
    if (folder !== undefined) await writeDrawing(folder, source, predicted, signal);
    yield predicted;
  }
}

/** What is known before the first image. */
function about({ name, predictor }: Work): Record<string, unknown> {
  const { preprocessing, origin, finding, classes: names, taskName } = predictor;
  const told = { preprocessing, origin: origin.preprocessing, finding };
  return {
    model: name,
    task: { name: taskName, origin: origin.task },
    preprocessing: preprocessingJson(told),
    classes: names,
  };
}

function remarkUnreadable(unreadable: UnreadableImages, { source }: Work, { remark }: CommandContext): void {
  const sentence = unreadable.sentence(source);
  if (sentence !== null) remark(sentence);
}
