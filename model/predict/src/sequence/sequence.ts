/**
 * The task of reading a line of text, or any other sequence of symbols: scores of each symbol at each step along the
 * image, `[N, T, C]` or `[T, N, C]`, of which CTC makes the symbols.
 */
import { own } from "@cupel/base";
import { predictErrors } from "../errors.ts";
import { imageDimsOf } from "../input/image-input.ts";
import type { OutputReader, Task, TaskModel } from "../task/task.ts";
import { numbersOf } from "../written/output-numbers.ts";
import { type Characters, chooseCharacters } from "./characters.ts";
import { readGreedily } from "./ctc.ts";
import {
  compareTexts,
  evaluateTexts,
  type SequenceDifference,
  type SequenceEvaluation,
  type TextPrediction,
  textDifferences,
  textFigures,
} from "./evaluate-texts.ts";
import { areSteps, readsText } from "./reads-text.ts";

export const sequence: Task<TextPrediction, SequenceEvaluation, SequenceDifference> = {
  name: "sequence",
  recognises: ({ outputs: [first], model }) =>
    first !== undefined && model !== null && readsText(first, model),
  recognisedBy:
    "its first output is scores of characters along the image, named in its metadata or probabilities at as many steps as the width makes",
  labelsFrom: "files",
  // Of names there may be one or two less than classes: the reader checks them.
  classCount: () => null,
  reader: textReader,
  evaluation: (images, facts) => evaluateTexts(images, facts.labels ?? null),
  compare: compareTexts,
  figures: textFigures,
  differences: textDifferences,
};

function textReader({ outputs: [output], model, classes: names }: TaskModel): OutputReader<TextPrediction> {
  if (!output) throw predictErrors.error("OUTPUT_UNSUPPORTED", "The model has no output.");
  const { name, dims } = output;
  if (!areSteps(output)) throw noSteps(name, dims);
  const [batch] = imageDimsOf(model);
  const stepsFirst = batch !== undefined && dims[0] !== batch && dims[1] === batch;
  const declared = dims[2];
  let characters = typeof declared === "number" ? chooseCharacters(model, names, declared) : null;
  return {
    fetches: [name],
    // Images behind the steps are not told apart in a run that is filled up.
    imagesPerRun: stepsFirst ? 1 : undefined,
    form: formOf(characters, declared),
    read(tensors, { dims: [count] }) {
      const tensor = own(tensors, name)!;
      const [first = 0, second = 0, classes = 0] = tensor.dims;
      const [images, steps] = stepsFirst ? [second, first] : [first, second];
      if (tensor.dims.length !== 3 || images !== count) throw noSteps(name, tensor.dims);
      characters ??= chooseCharacters(model, names, classes);
      const { symbols, blank } = characters;
      const values = numbersOf(tensor);
      const [perImage, perStep] = stepsFirst ? [classes, images * classes] : [steps * classes, classes];
      return Array.from({ length: count }, (_, image) => {
        const score = (step: number, c: number) => values[image * perImage + step * perStep + c]!;
        const read = readGreedily({ count: steps, classes, score }, blank);
        const text = symbols === null ? read.classes.join(" ") : read.classes.map((c) => symbols[c]).join("");
        return { text, confidence: read.confidence, classes: read.classes, isNamed: symbols !== null };
      });
    },
  };
}

/** To follow "its outputs are". */
function formOf(characters: Characters | null, classes: unknown): string {
  if (characters === null) return "a sequence, by CTC";
  const { symbols, blank } = characters;
  const nameless = symbols === null ? "; nobody names the others, so that their numbers are told" : "";
  return `a sequence of ${classes} classes, by CTC: the blank is class ${blank}${nameless}`;
}

function noSteps(name: string, dims: readonly unknown[]) {
  return predictErrors.error(
    "OUTPUT_UNSUPPORTED",
    `The output "${name}" is not one row of scores for each step along the image: its shape is [${dims}], expected [N, steps, classes].`,
    { details: { output: name, dims } },
  );
}
