/**
 * Which pixel of a model's map belongs to a pixel of the image: where its middle lies in the tensor after the resize,
 * the padding and the crop, and the map is as large as the tensor or smaller.
 */
import { type Placement, type Preprocessing, placementOf } from "@cupel/vision";
import type { ClassMap } from "./class-map.ts";

export interface MapPixels {
  /** For each column of the image that of the map; -1 where the crop cuts it off. */
  readonly columns: Int32Array;
  readonly rows: Int32Array;
}

export function mapPixels(
  preprocessing: Preprocessing,
  map: Pick<ClassMap, "width" | "height" | "image">,
): MapPixels {
  const { scale, offset, tensor, image }: Placement = placementOf(preprocessing, map.image);
  return {
    columns: along(image.width, scale.x, offset.x, tensor.width, map.width),
    rows: along(image.height, scale.y, offset.y, tensor.height, map.height),
  };
}

function along(length: number, scale: number, offset: number, tensor: number, map: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => {
    const at = (i + 0.5) * scale + offset;
    return at < 0 || at >= tensor ? -1 : Math.min(map - 1, Math.floor((at * map) / tensor));
  });
}

/** The class of each pixel of the upright image, row by row; -1 where the crop cuts it off. */
export function classesOfImage(preprocessing: Preprocessing, map: ClassMap): Int32Array {
  const { columns, rows } = mapPixels(preprocessing, map);
  const width = columns.length;
  const classes = new Int32Array(width * rows.length).fill(-1);
  for (let y = 0; y < rows.length; y++) {
    const row = rows[y]!;
    if (row < 0) continue;
    const at = y * width;
    if (y > 0 && rows[y - 1] === row) {
      classes.copyWithin(at, at - width, at);
      continue;
    }
    for (let x = 0; x < width; x++) {
      const column = columns[x]!;
      if (column >= 0) classes[at + x] = map.classes[row * map.width + column]!;
    }
  }
  return classes;
}
