/** `cupel eval`: how often a model is right, and whether another one differs from it by more than chance. */

import { assertWritable, type EventFacts } from "@cupel/base";
import {
  assertSameClasses,
  chanceOfEvaluation,
  compareEvaluations,
  type EvaluatedImages,
  type Evaluation,
  type EvaluationDifference,
  type KnownPredictor,
  orderSentence,
  type Task,
  type TaskName,
  tasks,
} from "@cupel/predict";
import type { SessionOpener } from "@cupel/runtime";
import type { ImageSource } from "@cupel/vision";
import { invalid, text } from "../arguments/option.ts";
import { type Given, required, standardInput } from "../arguments/parse.ts";
import { inputFacts, modelFacts, settingsDigest } from "../audit/input-facts.ts";
import { recordOptions } from "../audit/record-options.ts";
import { type FinishedWork, recorded } from "../audit/recorded.ts";
import {
  accuracyJson,
  accuracyText,
  comparisonFacts,
  figureFacts,
  figuresText,
} from "../eval/evaluation-text.ts";
import { classesOption, givenClasses, imageOptions, openGiven, taskLabels } from "../input/image-options.ts";
import { isolationOptions } from "../input/isolation.ts";
import { type ModelFile, modelFile } from "../input/model-file.ts";
import { inputsOption, providersOption } from "../input/model-options.ts";
import { openForImages, taskOption } from "../input/open-for-images.ts";
import {
  allowChanceOption,
  preprocessingJson,
  preprocessingOption,
  remarkChance,
} from "../input/preprocessing-option.ts";
import { skippedJson } from "../input/source-remarks.ts";
import { strictOption, UnreadableImages } from "../input/unreadable-images.ts";
import {
  profiled,
  profileFacts,
  profileFiles,
  profileOption,
  type WrittenProfile,
} from "../profile/profiled.ts";
import { factsText } from "../terminal/table.ts";
import type { Command, CommandContext, Outcome } from "./command.ts";

const images = imageOptions("", "to predict");
const compare = text({
  name: "compare",
  placeholder: "MODEL2",
  summary: "A second model on the same images, compared image by image",
});

export const evalCommand: Command = {
  description:
    "Of classes: top-1 and top-5 with their standard error. With --compare also the difference with its paired 95 % " +
    "interval, and how often both give the same prediction. Of other tasks: the figures of the task, and how far " +
    "the two models agree.",
  operands: [{ name: "MODEL", summary: "The ONNX model, or - for standard input", readsStandardInput: true }],
  options: [
    ...Object.values(images),
    classesOption,
    compare,
    taskOption,
    preprocessingOption,
    inputsOption,
    providersOption,
    allowChanceOption,
    strictOption,
    profileOption,
    ...isolationOptions,
    ...Object.values(recordOptions),
  ],
  examples: [
    { line: "cupel eval resnet50.onnx --images val/", says: "one folder a class" },
    {
      line: "cupel eval resnet20.onnx --images test.bin.gz --preprocessing preset=imagenet,resize=none",
      says: "a CIFAR-10 file, and a model that does not say how its images are prepared",
    },
    {
      line: "cupel eval resnet50.onnx --images val/ --compare resnet50.int8.onnx",
      says: "what did compression cost?",
    },
  ],
  async run(given, context) {
    await assertWritable(Object.values(profileFiles(given.get(profileOption))));
    if (given.get(compare) === standardInput) throw invalid("compare", 'needs a file; only MODEL may be "-"');
    await using file = await modelFile(given.operands[0]!, context);
    return await recorded(
      {
        name: "eval",
        about: async () => ({
          object: await objectOf(file, given, context),
          context: { settings: settingsDigest(given, evalCommand.options) },
        }),
        run: () => evaluated(file, given, context),
      },
      given,
      context,
    );
  },
};

async function objectOf(
  { path, name }: ModelFile,
  given: Given,
  { signal }: CommandContext,
): Promise<EventFacts> {
  const other = given.get(compare);
  const second = other === undefined ? null : await modelFacts(other, signal);
  return {
    ...(await modelFacts(path, signal, name)),
    ...(second && { other: second.model, otherDigest: second.digest }),
    ...(await inputFacts({ data: given.get(images.images), labels: given.get(images.labels) }, signal)),
  };
}

async function evaluated(file: ModelFile, given: Given, context: CommandContext): Promise<FinishedWork> {
  const source = await openGiven(given, images, required(given, images.images), context.remark);
  const unreadable = new UnreadableImages();
  const other = given.get(compare);
  const files = [file, ...(other === undefined ? [] : [{ path: other, name: other }])];
  const { result: models, profile } = await profiled(
    given.get(profileOption),
    `${files.map(({ name }) => name).join(" and ")}, ${source.location}`,
    (open) => evaluateFiles(files, source, given, context, unreadable, open),
  );
  if (models.every(({ taskName, evaluation }) => lacksLabels(taskName, evaluation))) {
    context.remark(
      "The images carry no labels: there is no accuracy to measure, only predictions to compare.",
    );
  }
  for (const order of new Set(models.map((each) => each.order))) {
    if (order !== null) context.remark(order);
  }
  const sentence = unreadable.sentence(source);
  if (sentence !== null) context.remark(sentence);
  return {
    outcome: outcomeOf(source, models, unreadable, profile),
    about: async () => ({ object: {}, context: factsOf(models) }),
  };
}

/** Of telling classes apart the accuracy too. */
function factsOf([first, second]: readonly Evaluated[]): EventFacts {
  const top1 = first?.accuracy?.top1 ?? null;
  const otherTop1 = second?.accuracy?.top1 ?? null;
  return {
    images: String(first?.evaluation.indices.length ?? 0),
    ...(top1 === null ? {} : { top1: String(top1) }),
    ...(otherTop1 === null ? {} : { otherTop1: String(otherTop1) }),
  };
}

/** Features have nothing to be right about, labels or not. */
function lacksLabels(taskName: TaskName, evaluation: EvaluatedImages): boolean {
  const task: Task = tasks[taskName];
  return taskName !== "features" && task.figures(evaluation).length === 0;
}

interface Evaluated {
  /** Or "standard input". */
  readonly path: string;
  readonly taskName: TaskName;
  readonly preprocessing: ReturnType<typeof preprocessingJson>;
  readonly evaluation: EvaluatedImages;
  /** The same where the task is telling classes apart; else null. */
  readonly accuracy: Evaluation | null;
  /** What to know of labels that met the classes by their order; else null. */
  readonly order: string | null;
}

/** Every model is opened, and compared with the first in what it tells, before any is evaluated. */
async function evaluateFiles(
  files: readonly Pick<ModelFile, "path" | "name">[],
  source: ImageSource,
  given: Given,
  context: CommandContext,
  unreadable: UnreadableImages,
  open: SessionOpener | undefined,
): Promise<Evaluated[]> {
  await using opened = new AsyncDisposableStack();
  const models: { readonly path: string; readonly predictor: KnownPredictor }[] = [];
  for (const file of files) {
    // The second is read as the first is.
    const taskName = models[0]?.predictor.taskName ?? given.get(taskOption);
    const options = { findWith: source, classesOtherwise: givenClasses(given, source), open, taskName };
    const predictor = opened.use(await openForImages(file, given, context, options));
    const model = { path: file.name, predictor };
    models.push(model);
    assertSameClasses(classesTold(models[0]!), classesTold(model));
  }
  const evaluated: Evaluated[] = [];
  for (const { path, predictor } of models) {
    evaluated.push(
      await evaluateFile(path, predictor, source, given, context, unreadable, evaluated.length === 0),
    );
  }
  return evaluated;
}

function classesTold({ path, predictor }: { readonly path: string; readonly predictor: KnownPredictor }) {
  return { path, count: predictor.classCount, names: predictor.classes };
}

async function evaluateFile(
  path: string,
  predictor: KnownPredictor,
  source: ImageSource,
  given: Given,
  { signal, progress, remark }: CommandContext,
  unreadable: UnreadableImages,
  isFirst: boolean,
): Promise<Evaluated> {
  const { preprocessing, origin, finding, taskName } = predictor;
  const told = { preprocessing, origin: origin.preprocessing, finding };
  const labels = await taskLabels(given, images);
  const work = {
    classes: givenClasses(given, source),
    labels: labels.path,
    labelColumn: labels.column,
    strict: given.get(strictOption),
    signal,
    progress,
  };
  const facts = { path, taskName, preprocessing: preprocessingJson(told) };
  if (predictor.taskName === "detection") {
    const evaluation = await predictor.evaluate(source, work);
    unreadable.addAll(evaluation.unreadable);
    const { labels, labelsBy, withoutLabels } = evaluation;
    if (isFirst && labels !== null && withoutLabels > 0) {
      remark(
        `${withoutLabels} of ${labels.length} images have no labels, though others have: every box in them counts as wrong.`,
      );
    }
    const order = orderSentence(labelsBy, { count: null, names: predictor.classes });
    return { ...facts, evaluation, accuracy: null, order };
  }
  if (predictor.taskName !== "classification") {
    const evaluation: EvaluatedImages = await predictor.evaluate(source, work);
    unreadable.addAll(evaluation.unreadable);
    const known = { count: null, names: predictor.classes };
    return { ...facts, evaluation, accuracy: null, order: orderSentence(evaluation.labelsBy ?? null, known) };
  }
  const evaluation = await predictor.evaluate(source, work);
  unreadable.addAll(evaluation.unreadable);
  // The second may be what a compression destroyed: that is what the comparison tells.
  const chance = isFirst ? chanceOfEvaluation(evaluation) : null;
  remarkChance(path, chance, told, given.get(allowChanceOption), remark);
  const known = { count: evaluation.classes, names: predictor.classes };
  return { ...facts, evaluation, accuracy: evaluation, order: orderSentence(evaluation.labelsBy, known) };
}

/** What was measured of each model, and what the comparison of the two found. */
function outcomeOf(
  source: ImageSource,
  evaluated: readonly Evaluated[],
  unreadable: UnreadableImages,
  profile: WrittenProfile | null,
): Outcome {
  const [first, second] = evaluated.map(({ accuracy }) => accuracy);
  const told = first
    ? accuracies(evaluated, second ? compareEvaluations(first, second) : null)
    : taskFigures(evaluated);
  return {
    json: {
      models: evaluated.map(({ path, taskName, preprocessing, evaluation }, i) => ({
        model: path,
        task: taskName,
        images: evaluation.indices.length,
        preprocessing,
        ...told.models[i],
      })),
      comparison: told.comparison,
      unreadable: unreadable.toJSON(),
      skipped: skippedJson(source),
      profile,
    },
    text: factsText([...told.facts, ...profileFacts(profile)]),
  };
}

interface Told {
  readonly models: readonly Readonly<Record<string, unknown>>[];
  readonly comparison: unknown;
  readonly facts: readonly (readonly [string, string])[];
}

function accuracies(evaluated: readonly Evaluated[], difference: EvaluationDifference | null): Told {
  const known = evaluated.flatMap(({ path, accuracy }) => (accuracy ? [{ path, accuracy }] : []));
  return {
    models: known.map(({ accuracy }) => accuracyJson(accuracy)),
    comparison: difference,
    facts: [
      ...known.map(({ path, accuracy }) => [path, accuracyText(accuracy)] as const),
      ...(difference ? comparisonFacts(difference) : []),
    ],
  };
}

function taskFigures(evaluated: readonly Evaluated[]): Told {
  const [first, second] = evaluated;
  const task: Task = tasks[first!.taskName];
  const figures = evaluated.map(({ evaluation }) => task.figures(evaluation));
  const comparison = second ? task.differences(task.compare(first!.evaluation, second.evaluation)) : null;
  return {
    models: figures.map((each) => ({ figures: each })),
    comparison,
    facts: [
      ...evaluated.map(
        ({ path, evaluation }, i) => [path, figuresText(figures[i]!, evaluation.indices.length)] as const,
      ),
      ...figureFacts(comparison ?? []),
    ],
  };
}
