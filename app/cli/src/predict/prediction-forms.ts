/** One prediction as JSON, as a line of a table and as a line of CSV. Pure: a prediction in, text out. */
import { type ClassPrediction, type ImagePrediction, topClasses } from "@cupel/predict";
import type { ImageSource } from "@cupel/vision";
import { csvLine } from "../terminal/csv.ts";
import { percentText } from "../terminal/figures.ts";

export interface PredictionForms {
  /** First lines; both forms have one. */
  readonly tableHeader: string;
  readonly csvHeader: string;
  of(prediction: ImagePrediction<ClassPrediction>): PredictedImage;
}

export interface PredictedImage {
  readonly json: Readonly<Record<string, unknown>>;
  row(): string;
  csv(): string;
}

/** The table cannot wait for its longest name: this many images are looked at, ... */
const measured = 200;
/** ... and a longer name pushes its line to the right. */
const widestName = 48;

/** @param top classes an image. @param classes names in the order of the model's classes. */
export function predictionForms(
  images: ImageSource,
  classes: readonly string[] | null,
  top: number,
): PredictionForms {
  const first = Array.from({ length: Math.min(images.length, measured) }, (_, index) => images.id(index));
  const idWidth = widthOf(["image", ...first.map(printable)]);
  const nameWidth = widthOf(["class 999", ...(classes ?? []).map(printable)]);
  const ordinals = Array.from({ length: top - 1 }, (_, i) => i + 2);
  const cells = (id: string, ranked: readonly (readonly [string, string])[]) =>
    [
      id.padEnd(idWidth),
      ...ranked.map(([name, figure]) => `${name.padEnd(nameWidth)}  ${figure.padStart(11)}`),
    ]
      .join("  ")
      .trimEnd();
  return {
    tableHeader: cells("image", [
      ["class", "probability"],
      ...ordinals.map((place) => [`class ${place}`, "probability"] as const),
    ]),
    csvHeader: csvLine([
      "image",
      "class",
      "index",
      "probability",
      ...ordinals.flatMap((place) => [`class_${place}`, `index_${place}`, `probability_${place}`]),
    ]),
    of({ id, prediction }) {
      const ranked = topClasses(prediction, top, classes).map(({ classIndex, className, probability }) => ({
        class: className ?? `class ${classIndex}`,
        index: classIndex,
        probability,
      }));
      const { classIndex: index, probability } = prediction;
      const name = prediction.className ?? `class ${index}`;
      return {
        json: { image: id, class: name, index, probability, top: ranked },
        row: () =>
          cells(
            printable(id),
            ranked.map((each) => [printable(each.class), percentText(each.probability)]),
          ),
        csv: () =>
          csvLine([id, ...ranked.flatMap((each) => [each.class, each.index, each.probability] as const)]),
      };
    },
  };
}

function widthOf(texts: readonly string[]): number {
  return Math.min(widestName, Math.max(...texts.map(({ length }) => length)));
}

/** Names come from files of others: what would move the cursor or end the line is shown as its code. */
function printable(text: string): string {
  return text.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    /[\u0000-\u001f\u007f-\u009f]/g,
    (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
