/** What an evaluation measured and what a comparison found, for a script and for a person. Pure: figures in, text out. */
import type { Evaluation, EvaluationDifference, TaskFigure } from "@cupel/predict";
import { countText, percentText, pointsText, shareText } from "../terminal/figures.ts";

type Facts = readonly (readonly [string, string])[];

/** "top-1 97.50 % +- 0.16, 1,000 images" */
export function accuracyText(evaluation: Evaluation): string {
  const share = (name: string, fraction: number | null) =>
    fraction === null
      ? []
      : [`${name} ${percentText(fraction)} +- ${(standardError(fraction, evaluation) * 100).toFixed(2)}`];
  const accuracies = [...share("top-1", evaluation.top1), ...share("top-5", evaluation.top5)];
  return [...accuracies, `${countText(evaluation.indices.length)} images`].join(", ");
}

export function accuracyJson(evaluation: Evaluation): Record<string, unknown> {
  return {
    classes: evaluation.classes,
    labels: evaluation.labelsBy,
    top1: withStandardError(evaluation.top1, evaluation),
    top5: withStandardError(evaluation.top5, evaluation),
  };
}

export function comparisonFacts({ difference, agreement, lost, gained }: EvaluationDifference): Facts {
  const facts: [string, string][] = [];
  if (difference !== null) {
    facts.push(
      [
        "difference",
        `${pointsText(difference.value)} points of top-1, 95 % interval ${pointsText(difference.low)} to ${pointsText(difference.high)}`,
      ],
      ["right before, wrong after", countText(lost)],
      ["wrong before, right after", countText(gained)],
    );
  }
  return [...facts, ["same prediction", shareText(agreement)]];
}

/** Of a share of independent images: sqrt(p (1 - p) / n). */
function standardError(fraction: number, { indices }: Evaluation): number {
  return Math.sqrt((fraction * (1 - fraction)) / indices.length);
}

function withStandardError(fraction: number | null, evaluation: Evaluation) {
  return fraction === null ? null : { value: fraction, standardError: standardError(fraction, evaluation) };
}

const units: Readonly<Record<TaskFigure["unit"], (value: number) => string>> = {
  share: (value) => percentText(value),
  dB: (value) => (value === Number.POSITIVE_INFINITY ? "no noise" : `${value.toFixed(1)} dB`),
  number: (value) => String(Number(value.toPrecision(4))),
};

export function valueText(unit: TaskFigure["unit"], value: number): string {
  return Number.isNaN(value) ? "not known" : units[unit](value);
}

/** "98.90 % of 32 images, 95 % interval 98.03 to 99.39". */
export function figureText({ unit, value, interval, of }: TaskFigure): string {
  if (Number.isNaN(value)) return `not known, ${of}`;
  const range =
    interval === null ? "" : `, 95 % interval ${bare(unit, interval.low)} to ${bare(unit, interval.high)}`;
  return unit === "share" ? `${units.share(value)} of ${of}${range}` : `${units[unit](value)}${range}, ${of}`;
}

/** As in the interval of a share: its unit stands before it. */
function bare(unit: TaskFigure["unit"], value: number): string {
  return unit === "share" ? (value * 100).toFixed(2) : units[unit](value);
}

/** Figures of any task, one a line. */
export function figureFacts(figures: readonly TaskFigure[]): Facts {
  return figures.map((figure) => [figure.name, figureText(figure)]);
}

/** "mean IoU 71.20 %, 12 images" */
export function figuresText(figures: readonly TaskFigure[], images: number): string {
  const all = figures.map(({ name, unit, value }) => `${name} ${units[unit](value)}`);
  return [...all, `${countText(images)} images`].join(", ");
}
