/** What a report says in a few lines, for a person and for a script. Pure: figures in, text out. */
import { threeDigits } from "@cupel/base";
import type { CompressionReport, TaskFigures } from "@cupel/report";
import { figureFacts, valueText } from "../eval/evaluation-text.ts";
import { countText, numberOf, percentText, pointsText, ratioText, shareText } from "../terminal/figures.ts";
import type { ReportFiles } from "./report-files.ts";

export function reportFacts(report: CompressionReport): (readonly [string, string])[] {
  const { compressed, agreement, fusion, firstBadLayer } = report;
  return [
    ...accuracyFacts(report),
    ...(agreement
      ? [["same prediction", `${shareText(agreement)}, ${countText(report.changed.count)} changed`] as const]
      : figureFacts(report.taskFigures?.differences ?? [])),
    [
      "latency",
      `${ratioText(speedOf(report))} as fast, 95 % interval ${threeDigits(1 / report.timeRatio.high)} to ${threeDigits(1 / report.timeRatio.low)}, with ${numberOf(compressed.latency.threads, "thread")}`,
    ],
    ...(report.slowdown ? [["slower", report.slowdown.sentence] as const] : []),
    [
      "on integers",
      `${fusion.fused} of ${numberOf(fusion.convolutions, "convolution")}${fusion.unfused.length > 0 ? `; ${fusion.unfused[0]!.node}: ${fusion.unfused[0]!.reason}` : ""}`,
    ],
    ["first bad layer", firstBadLayer?.sentence ?? "none stands out"],
  ];
}

function measuredFacts({ measured }: TaskFigures): (readonly [string, string])[] {
  return measured.map(({ name, unit, original, compressed, of }) => [
    name,
    `${valueText(unit, original)} before, ${valueText(unit, compressed)} after, ${of}`,
  ]);
}

function accuracyFacts({ accuracy, taskFigures, task }: CompressionReport): (readonly [string, string])[] {
  if (taskFigures !== null) return [["task", task], ...measuredFacts(taskFigures)];
  if (accuracy === null) return [["accuracy", "not known: the images carry no labels"]];
  const { top1, top5, difference, images } = accuracy;
  const facts: (readonly [string, string])[] = [
    [
      "top-1",
      `${percentText(top1.original)} before, ${percentText(top1.compressed)} after: ${pointsText(difference.value)} points, ` +
        `95 % interval ${pointsText(difference.low)} to ${pointsText(difference.high)}, ${countText(images)} images`,
    ],
  ];
  if (top5)
    facts.push([
      "top-5",
      `${percentText(top5.original)} before, ${percentText(top5.compressed)} after, ${countText(images)} images`,
    ]);
  return facts;
}

/** Above one where the compressed model is faster. */
const speedOf = ({ timeRatio }: CompressionReport): number => 1 / timeRatio.value;

/** "2.10 times slower because of Conv and QuantizeLinear", for the line that says what was gained; empty unless it is. */
export function slowerText({ timeRatio, slowdown }: CompressionReport): string[] {
  if (slowdown === null) return [];
  const names = slowdown.operators.map(({ operator }) => operator);
  const because = names.length === 0 ? "" : ` because of ${new Intl.ListFormat("en-GB").format(names)}`;
  return [`${threeDigits(timeRatio.value)} times slower${because}`];
}

/** The whole report lies in its file; what a script decides by is repeated here. */
export function reportJson(report: CompressionReport, files: ReportFiles): Record<string, unknown> {
  const { accuracy, agreement, task, taskFigures, fusion, firstBadLayer } = report;
  return {
    html: files.html,
    json: files.json,
    accuracy: accuracy && {
      images: accuracy.images,
      top1: accuracy.top1,
      top5: accuracy.top5,
      difference: accuracy.difference,
    },
    preprocessing: report.preprocessing,
    agreement,
    task,
    taskFigures,
    latency: {
      original: report.original.latency,
      compressed: report.compressed.latency,
      /** Of the original over the compressed: below one where compression made it slower. */
      speed: speedOf(report),
      timeRatio: report.timeRatio,
      slower: report.slowdown !== null,
      slowdown: report.slowdown,
    },
    fusion,
    firstBadLayer,
  };
}
