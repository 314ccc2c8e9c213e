/** `cupel eval`: how often a model is right, and whether another one differs from it by more than chance. */

import { assertWritable } from "@cupel/base";
import {
  assertSameClasses,
  chanceOfEvaluation,
  compareEvaluations,
  type Evaluation,
  type EvaluationDifference,
  orderSentence,
} from "@cupel/predict";
import type { SessionOpener } from "@cupel/runtime";
import type { ImageSource } from "@cupel/vision";
import { invalid, text } from "../arguments/option.ts";
import { type Given, required, standardInput } from "../arguments/parse.ts";
import { classesOption, givenClasses, imageOptions, openGiven } from "../input/image-options.ts";
import { type ModelFile, modelFile } from "../input/model-file.ts";
import { type ClassPredictor, openClassifier } from "../input/open-classifier.ts";
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
import { countText, percentText, pointsText, shareText } from "../terminal/figures.ts";
import { factsText } from "../terminal/table.ts";
import type { Command, CommandContext, Outcome } from "./command.ts";

const images = imageOptions("", "to predict");
const compare = text({
  name: "compare",
  placeholder: "MODEL2",
  summary: "A second model on the same images, compared image by image",
});

export const evalCommand: Command = {
  name: "eval",
  summary: "Measure the accuracy of a model, or compare two on the same images",
  description:
    "Top-1 and top-5 with their standard error. With --compare also the difference with its paired 95 % " +
    "interval, and how often both give the same prediction.",
  operands: [{ name: "MODEL", summary: "The ONNX model, or - for standard input", readsStandardInput: true }],
  options: [
    ...Object.values(images),
    classesOption,
    compare,
    preprocessingOption,
    allowChanceOption,
    strictOption,
    profileOption,
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
    const source = await openGiven(given, images, required(given, images.images), context.remark);
    const unreadable = new UnreadableImages();
    if (given.get(compare) === standardInput) throw invalid("compare", 'needs a file; only MODEL may be "-"');
    await using file = await modelFile(given.operands[0]!, context);
    const other = given.get(compare);
    const files = [file, ...(other === undefined ? [] : [{ path: other, name: other }])];
    const { result: evaluated, profile } = await profiled(
      given.get(profileOption),
      `${files.map(({ name }) => name).join(" and ")}, ${source.location}`,
      (open) => evaluateFiles(files, source, given, context, unreadable, open),
    );
    if (!source.labelled) {
      context.remark(
        "The images carry no labels: there is no accuracy to measure, only predictions to compare.",
      );
    }
    for (const order of new Set(evaluated.map((each) => each.order))) {
      if (order !== null) context.remark(order);
    }
    const sentence = unreadable.sentence(source);
    if (sentence !== null) context.remark(sentence);
    const [first, second] = evaluated;
    const difference = first && second ? compareEvaluations(first.evaluation, second.evaluation) : null;
    return outcomeOf(source, evaluated, difference, unreadable, profile);
  },
};

interface Evaluated {
  /** Or "standard input". */
  readonly path: string;
  readonly preprocessing: ReturnType<typeof preprocessingJson>;
  readonly evaluation: Evaluation;
  /** What to know of labels that met the classes by their order; else null. */
  readonly order: string | null;
}

/** Every model is opened, and compared with the first in what it tells apart, before any is evaluated. */
async function evaluateFiles(
  files: readonly Pick<ModelFile, "path" | "name">[],
  source: ImageSource,
  given: Given,
  context: CommandContext,
  unreadable: UnreadableImages,
  open: SessionOpener | undefined,
): Promise<Evaluated[]> {
  await using opened = new AsyncDisposableStack();
  const models: { readonly path: string; readonly predictor: ClassPredictor }[] = [];
  for (const file of files) {
    const options = { findWith: source, classesOtherwise: givenClasses(given, source), open };
    const predictor = opened.use(await openClassifier(file, "cupel eval measures", given, context, options));
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

function classesTold({ path, predictor }: { readonly path: string; readonly predictor: ClassPredictor }) {
  return { path, count: predictor.classCount, names: predictor.classes };
}

async function evaluateFile(
  path: string,
  predictor: ClassPredictor,
  source: ImageSource,
  given: Given,
  { signal, progress, remark }: CommandContext,
  unreadable: UnreadableImages,
  isFirst: boolean,
): Promise<Evaluated> {
  const { preprocessing, origin, finding } = predictor;
  const told = { preprocessing, origin: origin.preprocessing, finding };
  const classes = givenClasses(given, source);
  const strict = given.get(strictOption);
  const evaluation = await predictor.evaluate(source, { classes, strict, signal, progress });
  unreadable.addAll(evaluation.unreadable);
  // The second may be what a compression destroyed: that is what the comparison tells.
  const chance = isFirst ? chanceOfEvaluation(evaluation) : null;
  remarkChance(path, chance, told, given.get(allowChanceOption), remark);
  const known = { count: evaluation.classes, names: predictor.classes };
  return {
    path,
    preprocessing: preprocessingJson(told),
    evaluation,
    order: orderSentence(evaluation.labelsBy, known),
  };
}

function outcomeOf(
  source: ImageSource,
  evaluated: readonly Evaluated[],
  difference: EvaluationDifference | null,
  unreadable: UnreadableImages,
  profile: WrittenProfile | null,
): Outcome {
  const facts = evaluated.map(({ path, evaluation }): [string, string] => [path, accuracyText(evaluation)]);
  return {
    json: {
      models: evaluated.map(({ path, preprocessing, evaluation }) => ({
        model: path,
        images: evaluation.indices.length,
        classes: evaluation.classes,
        preprocessing,
        labels: evaluation.labelsBy,
        top1: withStandardError(evaluation.top1, evaluation),
        top5: withStandardError(evaluation.top5, evaluation),
      })),
      comparison: difference,
      unreadable: unreadable.toJSON(),
      skipped: skippedJson(source),
      profile,
    },
    text: factsText([...facts, ...(difference ? comparisonFacts(difference) : []), ...profileFacts(profile)]),
  };
}

function accuracyText(evaluation: Evaluation): string {
  const share = (name: string, fraction: number | null) =>
    fraction === null
      ? []
      : [`${name} ${percentText(fraction)} +- ${(standardError(fraction, evaluation) * 100).toFixed(2)}`];
  const accuracies = [...share("top-1", evaluation.top1), ...share("top-5", evaluation.top5)];
  return [...accuracies, `${countText(evaluation.indices.length)} images`].join(", ");
}

export function comparisonFacts({
  difference,
  agreement,
  lost,
  gained,
}: EvaluationDifference): [string, string][] {
  const facts: [string, string][] = [];
  if (difference !== null) {
    facts.push(
      [
        "difference",
        `${pointsText(difference.value)} points of top-1, 95 % interval ${pointsText(difference.low)} to ${pointsText(difference.high)}`,
      ],
      ["right before, wrong after", countText(lost)],
      ["wrong before, right after", countText(gained)],
    );
  }
  return [...facts, ["same prediction", shareText(agreement)]];
}

/** Of a share of independent images: sqrt(p (1 - p) / n). */
function standardError(fraction: number, { indices }: Evaluation): number {
  return Math.sqrt((fraction * (1 - fraction)) / indices.length);
}

function withStandardError(fraction: number | null, evaluation: Evaluation) {
  return fraction === null ? null : { value: fraction, standardError: standardError(fraction, evaluation) };
}
