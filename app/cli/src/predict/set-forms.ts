/** The classes that an image has, with their scores: as JSON, as a line of a table and as a line of CSV. Pure: a prediction in, text out. */
import { leastScore, type SetPrediction, topClasses } from "@cupel/predict";
import { csvLine } from "../terminal/csv.ts";
import { percentText } from "../terminal/figures.ts";
import { visibleLine } from "../terminal/visible-text.ts";
import { imageColumnWidth } from "./image-column.ts";
import type { FormsOptions, PredictionForms } from "./prediction-forms.ts";

export function setForms({ images, classes, top }: FormsOptions): PredictionForms<SetPrediction> {
  const width = imageColumnWidth(images);
  return {
    tableHeader: `${"image".padEnd(width)}  classes`,
    // As tables of labels have it, so that what is right can be corrected into one.
    csvHeader: csvLine(["image", "labels", "scores"]),
    of({ id, prediction: { labels, scores } }) {
      const told = labels.map(({ className, classIndex, score }) => ({
        class: className ?? `class ${classIndex}`,
        index: classIndex,
        score,
      }));
      const ranked = topClasses({ scores, areProbabilities: true }, top, classes).map(
        ({ className, classIndex, probability }) => ({
          class: className ?? `class ${classIndex}`,
          index: classIndex,
          score: probability,
        }),
      );
      return {
        json: { image: id, threshold: leastScore, classes: told, top: ranked },
        row: () =>
          `${visibleLine(id).padEnd(width)}  ${told.map((each) => `${visibleLine(each.class)} ${percentText(each.score)}`).join(", ") || "none"}`,
        csv: () =>
          csvLine([
            id,
            told.map((each) => each.class).join("|"),
            told.map(({ score }) => score.toPrecision(4)).join("|"),
          ]),
      };
    },
  };
}
