/**
 * Lines of text from a map of how likely each pixel is to be text: differentiable binarisation (Liao et al., 2020), as
 * PP-OCR's detector is used. Pixels above a level are joined where they touch, a region that is likely enough is a line,
 * and it is widened, since the network is taught regions that are narrower than the text. Boxes are upright.
 */
import { own } from "@cupel/base";
import { type DetectionPrediction, detection, numbersOf, type Task } from "@cupel/predict";
import { placementOf, toImage } from "@cupel/vision";

/** As PP-OCR's own. */
const leastPixel = 0.3;
const leastMean = 0.6;
const leastSide = 3;
/** Of the area to the perimeter: how far each side is moved out. */
const widening = 1.5;

/** A detector whose boxes have one class and, as score, the mean of the map within. Labels and measures are those of any detector. */
export const textBoxes: Task<
  DetectionPrediction,
  ReturnType<ReturnType<typeof detection.evaluation>["result"]>,
  ReturnType<typeof detection.compare>
> = {
  ...detection,
  name: "text-boxes",
  recognises: () => false,
  reader({ outputs: [output], preprocessing }) {
    const name = output?.name ?? "";
    return {
      fetches: [name],
      read(tensors, { sizes }) {
        const map = own(tensors, name)!;
        const values = numbersOf(map);
        const [height = 0, width = 0] = map.dims.slice(-2);
        return sizes.map((size, image) => {
          const placement = placementOf(preprocessing, size);
          const boxes = linesOf({ width, height, at: (pixel) => values[image * width * height + pixel]! });
          return {
            size,
            boxes: boxes.map(({ left, top, right, bottom, score }) => {
              const first = toImage(placement, { x: left, y: top });
              const last = toImage(placement, { x: right, y: bottom });
              const edges = { left: first.x, top: first.y, right: last.x, bottom: last.y };
              return { ...edges, classIndex: 0, className: null, score };
            }),
          };
        });
      },
    };
  },
};

export interface TextMap {
  readonly width: number;
  readonly height: number;
  /** 0 to 1, of a pixel in row-major order. */
  at(pixel: number): number;
}

/** In pixels of the map, from the highest score down. */
export interface TextLine {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly score: number;
}

export function linesOf(map: TextMap): TextLine[] {
  const { width, height } = map;
  const isTaken = new Uint8Array(width * height);
  const lines: TextLine[] = [];
  for (let start = 0; start < isTaken.length; start++) {
    if (isTaken[start] || map.at(start) <= leastPixel) continue;
    const region = regionFrom(map, start, isTaken);
    const [w, h] = [region.right - region.left, region.bottom - region.top];
    if (Math.min(w, h) < leastSide || region.score < leastMean) continue;
    const out = (widening * w * h) / (2 * (w + h));
    lines.push({
      left: Math.max(0, region.left - out),
      top: Math.max(0, region.top - out),
      right: Math.min(width, region.right + out),
      bottom: Math.min(height, region.bottom + out),
      score: region.score,
    });
  }
  return lines.sort((a, b) => b.score - a.score);
}

/** All pixels that touch `start`, also at a corner. Its score is the mean of the pixels in it. */
function regionFrom({ width, height, at }: TextMap, start: number, isTaken: Uint8Array): TextLine {
  const open = [start];
  isTaken[start] = 1;
  let [left, top, right, bottom, sum, count] = [width, height, 0, 0, 0, 0];
  for (let pixel = open.pop(); pixel !== undefined; pixel = open.pop()) {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    [left, top, right, bottom] = [
      Math.min(left, x),
      Math.min(top, y),
      Math.max(right, x + 1),
      Math.max(bottom, y + 1),
    ];
    sum += at(pixel);
    count++;
    for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
      for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
        const next = row * width + column;
        if (isTaken[next] || at(next) <= leastPixel) continue;
        isTaken[next] = 1;
        open.push(next);
      }
    }
  }
  return { left, top, right, bottom, score: sum / count };
}
