/** The result of a compression, for a person and for a script. Pure: figures in, text out. */
import { bytesText, threeDigits } from "@cupel/base";
import type { OutputFigure } from "@cupel/compress";
import type { TargetFigure } from "@cupel/report";
import { preprocessingJson } from "../input/preprocessing-option.ts";
import { reportFacts, reportJson, slowerText } from "../report/report-summary.ts";
import { numberOf } from "../terminal/figures.ts";
import { factsText, tableText } from "../terminal/table.ts";
import type { Compressed } from "./compress-with-report.ts";

export function summaryText(compressed: Compressed): string {
  const { model, dataPath, files, bytes, layers, targets, exit, check, report } = compressed;
  return factsText([
    [
      "model",
      [
        `${model}, ${bytesText(bytes.compressed)}: 1/${(bytes.original / bytes.compressed).toFixed(1)} of ${bytesText(bytes.original)}`,
        ...(report ? slowerText(report) : []),
      ].join(", but "),
    ],
    ["weights", [widthsText(layers), ...(dataPath === null ? [] : [`in ${dataPath}`])].join("; ")],
    ...targets.map((figure) => targetFact(figure)),
    ...(exit === null ? [] : [["early exit", exitText(exit)] as const]),
    ...(check.random ? randomFacts(check) : []),
    ...(report ? [...reportFacts(report), ["report", files.html] as const] : []),
  ]);
}

export function summaryJson(compressed: Compressed): Record<string, unknown> {
  const {
    model,
    dataPath,
    files,
    bytes,
    recipe,
    calibration,
    layers,
    pruned,
    rounding,
    tradeOff,
    targets,
    retrained,
    gates,
    exit,
    chosen,
    check,
    labels,
    report,
  } = compressed;
  return {
    model,
    data: dataPath,
    bytes,
    recipe,
    calibration,
    layers,
    pruned,
    rounding,
    tradeOff,
    targets,
    retrained,
    gates,
    exit,
    preprocessing: preprocessingJson(chosen),
    check,
    labels,
    report: report && reportJson(report, files),
  };
}

const quantities: {
  readonly [Quantity in TargetFigure["quantity"]]: {
    readonly name: string;
    readonly text: (figure: number) => string;
  };
} = {
  latencyMs: { name: "time, one thread", text: (ms) => `${threeDigits(ms)} ms` },
  latencyShare: {
    name: "time, one thread",
    text: (share) => `${threeDigits(100 * share)} % of the original's`,
  },
  bytes: { name: "size", text: bytesText },
  drop: { name: "lost, held out", text: (share) => `${(100 * share).toFixed(2)} points` },
};

/** What pruning was to keep to, what was foretold and what came. */
function targetFact({ quantity, target, predicted, measured }: TargetFigure): readonly [string, string] {
  const { name, text } = quantities[quantity];
  const parts = [
    `at most ${text(target)} asked for`,
    ...(predicted === null ? [] : [`${text(predicted)} predicted`]),
    `${text(measured)} measured`,
  ];
  return [name, parts.join(", ")];
}

/** Without images: what was compared, and that it says nothing of real ones. */
function randomFacts({ images, outputs }: Compressed["check"]): (readonly [string, string])[] {
  return [
    [
      "against the original",
      `${outputs.map(figureText).join("; ")}, on ${images} random images, which say nothing of real ones`,
    ],
    ["accuracy", "not known: give --images for a report"],
  ];
}

function figureText({ output, measure, value }: OutputFigure): string {
  if (measure === "sameBoxes")
    return `"${output}" ${value === null ? "no boxes in either" : `${(100 * value).toFixed(1)} % same boxes (F1)`}`;
  if (value === null) return `"${output}" has another shape for each image`;
  if (measure === "samePrediction") return `"${output}" ${(100 * value).toFixed(1)} % same prediction`;
  return `"${output}" ${Number.isFinite(value) ? `${value.toFixed(1)} dB of signal to noise` : "the same"}`;
}

/** Where images leave, and the curve beside it: the point chosen stands first. */
function exitText({
  after,
  work,
  images,
  risk,
  chosen,
  curve,
  times,
}: NonNullable<Compressed["exit"]>): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const points = (share: number) => (100 * share).toFixed(2);
  const rows = [chosen, ...curve.filter(({ leaving }) => leaving > 0)].map((point) => [
    percent(point.leaving),
    point.threshold.toFixed(3),
    points(point.loss),
    points(point.bound),
    point.averageMs.toFixed(2),
    `${(times.straightMs / point.averageMs).toFixed(2)}x`,
  ]);
  return [
    `after "${after}", ${percent(work)} of the work; on ${numberOf(images, "image")} held out to choose by, first as chosen:`,
    tableText([
      ["leave", "surer than", "points lost", `at most (${percent(1 - risk)} sure)`, "average ms", "speed"],
      ...rows,
    ]),
  ].join("\n");
}

/** "12 layers at 8 bits, 41 at 4 bits". */
function widthsText(layers: Compressed["layers"]): string {
  const byBits = new Map<number, number>();
  for (const { bits } of layers) byBits.set(bits, (byBits.get(bits) ?? 0) + 1);
  return [...byBits]
    .sort(([a], [b]) => b - a)
    .map(
      ([bits, count], i) =>
        `${i === 0 ? numberOf(count, "layer") : count} at ${bits} bits${bits === 16 ? " (float16), computed in float32" : ""}`,
    )
    .join(", ");
}
