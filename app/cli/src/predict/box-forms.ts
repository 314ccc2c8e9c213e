/** The boxes of an image as JSON, as a line of a table and as lines of CSV, one a box. Pixels of the image, from its first corner. */
import { type DetectedBox, type DetectionPrediction, drawDetections, toldBoxes } from "@cupel/predict";
import { csvLine } from "../terminal/csv.ts";
import { countText } from "../terminal/figures.ts";
import { visibleLine } from "../terminal/visible-text.ts";
import { imageColumnWidth } from "./image-column.ts";
import type { FormsOptions, PredictionForms } from "./prediction-forms.ts";

/** Boxes that a line of the table lists; JSON and CSV have all. */
const listed = 4;

export function boxForms({ images }: FormsOptions): PredictionForms<DetectionPrediction> {
  const width = imageColumnWidth(images);
  return {
    tableHeader: `${"image".padEnd(width)}  boxes`,
    csvHeader: csvLine(["image", "class", "index", "score", "left", "top", "right", "bottom"]),
    of({ id, prediction }) {
      const boxes = toldBoxes(prediction);
      return {
        json: {
          image: id,
          width: prediction.size.width,
          height: prediction.size.height,
          boxes: boxes.map(boxJson),
        },
        row: () => `${visibleLine(id).padEnd(width)}  ${boxesText(boxes)}`,
        csv: () =>
          boxes
            .map(boxJson)
            .map((box) =>
              csvLine([id, box.class, box.index, box.score, box.left, box.top, box.right, box.bottom]),
            )
            .join("\n"),
        drawn: (image) => drawDetections(image, boxes, id),
      };
    },
  };
}

function boxJson({ className, classIndex, score, left, top, right, bottom }: DetectedBox) {
  return { class: className ?? `class ${classIndex}`, index: classIndex, score, left, top, right, bottom };
}

/** "2 boxes: person 0.92 (10, 20 to 30, 60), ..." */
function boxesText(boxes: readonly DetectedBox[]): string {
  if (boxes.length === 0) return "no box";
  const few = boxes.slice(0, listed).map((box) => {
    const { class: name, score, ...edges } = boxJson(box);
    const [left, top, right, bottom] = [edges.left, edges.top, edges.right, edges.bottom].map(Math.round);
    return `${visibleLine(name)} ${score.toFixed(2)} (${left}, ${top} to ${right}, ${bottom})`;
  });
  const more = boxes.length > listed ? `, and ${boxes.length - listed} more` : "";
  return `${countText(boxes.length)} ${boxes.length === 1 ? "box" : "boxes"}: ${few.join(", ")}${more}`;
}
