/** Values of outputs as text: a summary of each in the table, all of them in JSON and CSV. */
import type { FeaturesPrediction, OutputValues } from "@cupel/predict";
import { csvLine } from "../terminal/csv.ts";
import { visibleLine } from "../terminal/visible-text.ts";
import { imageColumnWidth } from "./image-column.ts";
import type { FormsOptions, PredictionForms } from "./prediction-forms.ts";

/** Values shown of an output that has no more. */
const fewValues = 4;

export function featureForms({ images }: FormsOptions): PredictionForms<FeaturesPrediction> {
  const width = imageColumnWidth(images);
  return {
    tableHeader: `${"image".padEnd(width)}  values`,
    csvHeader: csvLine(["image", "output", "shape", "values"]),
    of: ({ id, prediction }) => ({
      json: {
        image: id,
        outputs: prediction.map(({ output, dims, values }) => ({
          output,
          shape: dims,
          values: Array.from(values),
        })),
      },
      row: () => `${visibleLine(id).padEnd(width)}  ${prediction.map(summary).join("; ")}`,
      csv: () =>
        prediction
          // Numbers are no formula, whatever their sign.
          .map(({ output, dims, values }) => `${csvLine([id, output, dims.join("x")])},${values.join(" ")}`)
          .join("\n"),
    }),
  };
}

/** "y [3, 32, 32] -1.2 to 4.5, mean 0.31"; the values themselves where they are few. */
function summary({ output, dims, values }: OutputValues): string {
  const name = `${visibleLine(output)} [${dims.join(", ")}]`;
  if (values.length <= fewValues) return `${name} ${Array.from(values, digits).join(" ")}`.trimEnd();
  let [low, high, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
    sum += value;
  }
  return `${name} ${digits(low)} to ${digits(high)}, mean ${digits(sum / values.length)}`;
}

function digits(value: number): string {
  return String(Number(value.toPrecision(4)));
}
