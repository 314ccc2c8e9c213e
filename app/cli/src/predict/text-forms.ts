/** The text that is read in an image, with its confidence: as JSON, as a line of a table and as a line of CSV. */
import type { TextPrediction } from "@cupel/predict";
import { csvLine } from "../terminal/csv.ts";
import { percentText } from "../terminal/figures.ts";
import { imageColumnWidth, printable } from "./image-column.ts";
import type { FormsOptions, PredictionForms } from "./prediction-forms.ts";

export function textForms({ images }: FormsOptions): PredictionForms<TextPrediction> {
  const width = imageColumnWidth(images);
  const confidenceWidth = "confidence".length;
  return {
    tableHeader: `${"image".padEnd(width)}  confidence  text`,
    csvHeader: csvLine(["image", "text", "confidence"]),
    of: ({ id, prediction: { text, confidence } }) => ({
      json: { image: id, text, confidence },
      // The text comes last: its letters may be of any width.
      row: () =>
        `${printable(id).padEnd(width)}  ${percentText(confidence).padStart(confidenceWidth)}  ${printable(text)}`.trimEnd(),
      csv: () => csvLine([id, text, confidence]),
    }),
  };
}
