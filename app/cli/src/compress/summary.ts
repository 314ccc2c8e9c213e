/** The few lines that a person reads at the end. Pure: figures in, text out. */

import { bytesText } from "@cupel/base";
import type { CompressResult } from "@cupel/compress";
import type { CompressionReport } from "@cupel/report";
import { countText, numberOf, percentText, pointsText, ratioText } from "../terminal/figures.ts";
import { factsText } from "../terminal/table.ts";
import type { OutputPaths } from "./output-paths.ts";

export interface Compressed {
  readonly paths: OutputPaths;
  readonly bytes: { readonly original: number; readonly compressed: number };
  readonly result: CompressResult;
  /** Null with --no-report. */
  readonly report: CompressionReport | null;
}

export function summaryText({ paths, bytes, result, report }: Compressed): string {
  return factsText([
    [
      "model",
      `${paths.model}, ${bytesText(bytes.compressed)}: 1/${(bytes.original / bytes.compressed).toFixed(1)} of ${bytesText(bytes.original)}`,
    ],
    ["weights", widthsText(result)],
    ...(report ? reportFacts(report) : []),
    ...(report ? ([["report", paths.reportHtml]] as const) : []),
  ]);
}

function reportFacts(report: CompressionReport): (readonly [string, string])[] {
  const { original, compressed, accuracy, agreement, fusion, firstBadLayer } = report;
  return [
    ...accuracyFacts(accuracy),
    ["same prediction", `${percentText(agreement)}, ${countText(report.changed.count)} changed`],
    [
      "latency",
      `${ratioText(original.latency.medianMs / compressed.latency.medianMs)} as fast with ${numberOf(compressed.latency.threads, "thread")}`,
    ],
    [
      "on integers",
      `${fusion.fused} of ${numberOf(fusion.convolutions, "convolution")}${fusion.unfused.length > 0 ? `; ${fusion.unfused[0]!.node}: ${fusion.unfused[0]!.reason}` : ""}`,
    ],
    ["first bad layer", firstBadLayer?.sentence ?? "none stands out"],
  ];
}

function accuracyFacts(accuracy: CompressionReport["accuracy"]): [string, string][] {
  if (accuracy === null) return [["accuracy", "not known: the images carry no labels"]];
  const { top1, top5, difference, images } = accuracy;
  return [
    [
      "top-1",
      `${percentText(top1.original)} before, ${percentText(top1.compressed)} after: ${pointsText(difference.value)} points, ` +
        `95 % interval ${pointsText(difference.low)} to ${pointsText(difference.high)}, ${countText(images)} images`,
    ],
    ...(top5
      ? [
          ["top-5", `${percentText(top5.original)} before, ${percentText(top5.compressed)} after`] satisfies [
            string,
            string,
          ],
        ]
      : []),
  ];
}

/** "12 layers at 8 bits, 41 at 4 bits". */
function widthsText({ layers }: CompressResult): string {
  const byBits = new Map<number, number>();
  for (const { bits } of layers) byBits.set(bits, (byBits.get(bits) ?? 0) + 1);
  return [...byBits]
    .sort(([a], [b]) => b - a)
    .map(([bits, count], i) => `${i === 0 ? numberOf(count, "layer") : count} at ${bits} bits`)
    .join(", ");
}
