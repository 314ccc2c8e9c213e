/** A class for each pixel of the image as text, how many pixels each class has, and laid over the image. */
import { type ClassMap, classesOfImage, drawMap, pixelsByClass } from "@cupel/predict";
import type { Preprocessing } from "@cupel/vision";
import { csvLine } from "../terminal/csv.ts";
import { percentText } from "../terminal/figures.ts";
import { visibleLine } from "../terminal/visible-text.ts";
import { imageColumnWidth } from "./image-column.ts";
import type { FormsOptions, PredictionForms } from "./prediction-forms.ts";

export function mapForms(
  { images, classes, top }: FormsOptions,
  preprocessing: Preprocessing,
): PredictionForms<ClassMap> {
  const width = imageColumnWidth(images);
  const nameOf = (index: number) => classes?.[index] ?? `class ${index}`;
  return {
    tableHeader: `${"image".padEnd(width)}  pixels`,
    csvHeader: csvLine(["image", "class", "index", "pixels", "of"]),
    of({ id, prediction }) {
      // Of the image: what the padding adds is none of it, and of what the crop cuts off nothing is known.
      const classOf = classesOfImage(preprocessing, prediction);
      const counts = pixelsByClass({ classes: classOf });
      const all = counts.reduce((sum, { pixels }) => sum + pixels, 0);
      const share = (pixels: number) => percentText(pixels / all);
      return {
        json: {
          image: id,
          width: prediction.image.width,
          height: prediction.image.height,
          classes: counts.map(({ classIndex, pixels }) => ({
            class: nameOf(classIndex),
            index: classIndex,
            pixels,
          })),
        },
        row() {
          const told = counts
            .slice(0, top)
            .map(({ classIndex, pixels }) => `${visibleLine(nameOf(classIndex))} ${share(pixels)}`);
          const rest = counts.length - told.length;
          return `${visibleLine(id).padEnd(width)}  ${told.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
        },
        csv: () =>
          counts
            .map(({ classIndex, pixels }) => csvLine([id, nameOf(classIndex), classIndex, pixels, all]))
            .join("\n"),
        drawn: (image) => drawMap(image, classOf, classes, id),
      };
    },
  };
}
