/** Preprocessing in the words of `parsePreprocessing`: what is shown to a person can be copied into an option. */
import type { Preprocessing } from "./preprocessing.ts";

/** Numbers are shortened to eight digits. */
export function preprocessingText(preprocessing: Preprocessing): string {
  const { width, height, colour, resize, pad, multiple, interpolation, layout, scale, mean, std } =
    preprocessing;
  const resized = "size" in resize ? `${resize.kind}:${resize.size}` : resize.kind;
  const crop = width === height ? `${width}` : `${width}x${height}`;
  const padded = pad === undefined ? "" : `pad=${shortNumber(pad.value)}${pad.side === "end" ? ":end" : ""},`;
  const rounded = multiple === undefined ? "" : `multiple=${multiple},`;
  const list = (values: readonly number[]) => values.map(shortNumber).join("/");
  return (
    `colour=${colour},resize=${resized},crop=${crop},${padded}${rounded}interpolation=${interpolation},layout=${layout},` +
    `scale=${scaleText(scale)},mean=${list(mean)},std=${list(std)}`
  );
}

function scaleText(scale: number): string {
  const divisor = 1 / scale;
  const rounded = Math.round(divisor * 10) / 10;
  return scale < 1 && Math.abs(divisor - rounded) < 1e-9 * divisor ? `1/${rounded}` : shortNumber(scale);
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(8)));
}
