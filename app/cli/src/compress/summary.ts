/** The result of a compression, for a person and for a script. Pure: figures in, text out. */
import { bytesText } from "@cupel/base";
import { preprocessingJson } from "../input/preprocessing-option.ts";
import { reportFacts, reportJson, slowerText } from "../report/report-summary.ts";
import { numberOf } from "../terminal/figures.ts";
import { factsText } from "../terminal/table.ts";
import type { Compressed } from "./compress-with-report.ts";

export function summaryText({ model, files, bytes, layers, report }: Compressed): string {
  return factsText([
    [
      "model",
      [
        `${model}, ${bytesText(bytes.compressed)}: 1/${(bytes.original / bytes.compressed).toFixed(1)} of ${bytesText(bytes.original)}`,
        ...(report ? slowerText(report) : []),
      ].join(", but "),
    ],
    ["weights", widthsText(layers)],
    ...(report ? [...reportFacts(report), ["report", files.html] as const] : []),
  ]);
}

export function summaryJson(compressed: Compressed): Record<string, unknown> {
  const { model, files, bytes, recipe, calibration, layers, tradeOff, chosen, check, labels, report } =
    compressed;
  return {
    model,
    bytes,
    recipe,
    calibration,
    layers,
    tradeOff,
    preprocessing: preprocessingJson(chosen),
    check,
    labels,
    report: report && reportJson(report, files),
  };
}

/** "12 layers at 8 bits, 41 at 4 bits". */
function widthsText(layers: Compressed["layers"]): string {
  const byBits = new Map<number, number>();
  for (const { bits } of layers) byBits.set(bits, (byBits.get(bits) ?? 0) + 1);
  return [...byBits]
    .sort(([a], [b]) => b - a)
    .map(([bits, count], i) => `${i === 0 ? numberOf(count, "layer") : count} at ${bits} bits`)
    .join(", ");
}
