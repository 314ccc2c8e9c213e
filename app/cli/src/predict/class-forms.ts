/** The likeliest classes of an image as JSON, as a line of a table and as a line of CSV. Pure: a prediction in, text out. */
import { type ClassPrediction, topClasses } from "@cupel/predict";
import { csvLine } from "../terminal/csv.ts";
import { percentText } from "../terminal/figures.ts";
import { visibleLine } from "../terminal/visible-text.ts";
import { imageColumnWidth, widthOf } from "./image-column.ts";
import type { FormsOptions, PredictionForms } from "./prediction-forms.ts";

export function classForms({ images, classes, top }: FormsOptions): PredictionForms<ClassPrediction> {
  const idWidth = imageColumnWidth(images);
  const nameWidth = widthOf(["class 999", ...(classes ?? []).map(visibleLine)]);
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
            visibleLine(id),
            ranked.map((each) => [visibleLine(each.class), percentText(each.probability)]),
          ),
        csv: () =>
          csvLine([id, ...ranked.flatMap((each) => [each.class, each.index, each.probability] as const)]),
      };
    },
  };
}
