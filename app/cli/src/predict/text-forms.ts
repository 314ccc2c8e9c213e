/** The text that is read in an image, with its confidence: as JSON, as a line of a table and as a line of CSV. */
import type { TextPrediction } from "@cupel/predict";
import { csvLine } from "../terminal/csv.ts";
import { percentText } from "../terminal/figures.ts";
import { visibleLine } from "../terminal/visible-text.ts";
import { imageColumnWidth } from "./image-column.ts";
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
        `${visibleLine(id).padEnd(width)}  ${percentText(confidence).padStart(confidenceWidth)}  ${visibleLine(text)}`.trimEnd(),
      csv: () => csvLine([id, text, confidence]),
    }),
  };
}
