/** A class for each pixel as text: how many pixels each class has. */
import { type ClassMap, pixelsByClass } from "@cupel/predict";
import { csvLine } from "../terminal/csv.ts";
import { percentText } from "../terminal/figures.ts";
import { imageColumnWidth, printable } from "./image-column.ts";
import type { FormsOptions, PredictionForms } from "./prediction-forms.ts";

export function mapForms({ images, classes, top }: FormsOptions): PredictionForms<ClassMap> {
  const width = imageColumnWidth(images);
  const nameOf = (index: number) => classes?.[index] ?? `class ${index}`;
  return {
    tableHeader: `${"image".padEnd(width)}  pixels`,
    csvHeader: csvLine(["image", "class", "index", "pixels", "of"]),
    of({ id, prediction }) {
      const all = prediction.classes.length;
      const counts = pixelsByClass(prediction);
      const share = (pixels: number) => percentText(pixels / all);
      return {
        json: {
          image: id,
          width: prediction.width,
          height: prediction.height,
          classes: counts.map(({ classIndex, pixels }) => ({
            class: nameOf(classIndex),
            index: classIndex,
            pixels,
          })),
        },
        row() {
          const told = counts
            .slice(0, top)
            .map(({ classIndex, pixels }) => `${printable(nameOf(classIndex))} ${share(pixels)}`);
          const rest = counts.length - told.length;
          return `${printable(id).padEnd(width)}  ${told.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
        },
        csv: () =>
          counts
            .map(({ classIndex, pixels }) => csvLine([id, nameOf(classIndex), classIndex, pixels, all]))
            .join("\n"),
      };
    },
  };
}
