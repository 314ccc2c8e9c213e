/**
 * The verdict in words, before any chart: what was gained and what it cost, and then the same
 * with every figure. Claims only what the figures carry: equal reads as equal, worse as worse.
 */
import type { AccuracyComparison, CompressionReport, TaskFigures } from "@cupel/report";
import {
  bytesText,
  type Figure,
  factorText,
  figureText,
  fixedText,
  isFigure,
  MISSING,
  percentText,
  plural,
  pointDecimals,
  pointsText,
} from "../../../shared/view/number-text.ts";

/** Ratios closer to one than this are called equal; timings of one machine wobble by as much. */
const EQUAL_WITHIN = 0.05;

/** Words for a ratio of before over after: more than one, less than one, about one. */
export interface RatioWords {
  readonly better: string;
  readonly worse: string;
  readonly equal: string;
}

export const SIZE_WORDS: RatioWords = { better: "smaller", worse: "larger", equal: "the same size" };
export const SPEED_WORDS: RatioWords = { better: "faster", worse: "slower", equal: "equally fast" };
export const MEMORY_WORDS: RatioWords = { better: "less", worse: "more", equal: "the same" };

/** "8.6 times smaller", "1.3 times slower", "equally fast"; null when either figure is missing. */
export function ratioPhrase(before: Figure, after: Figure, words: RatioWords): string | null {
  if (!isFigure(before) || !isFigure(after) || before <= 0 || after <= 0) return null;
  const ratio = before / after;
  if (Math.abs(ratio - 1) < EQUAL_WITHIN) return words.equal;
  return ratio > 1
    ? `${factorText(ratio)} times ${words.better}`
    : `${factorText(1 / ratio)} times ${words.worse}`;
}

/** From this ratio of its ends on, an interval that has both sides of one says nothing of the speed. */
const UNCLEAR_FROM = 1.5;

/**
 * "1.9 times faster", "2.1 times slower" only where the runs leave no doubt, else "1.1 times slower or equally fast",
 * "equally fast"; where they tell neither, "of a speed that is not clear: 2.0 times faster to 3.2 times slower".
 */
export function speedPhrase({ timeRatio, slowdown }: CompressionReport): string | null {
  const { value, low, high } = timeRatio;
  const phrase = ratioPhrase(1, value, SPEED_WORDS);
  if (slowdown !== null) return `${factorText(value)} times ${SPEED_WORDS.worse}`;
  if (phrase === null || high < 1) return phrase;
  if (low < 1 && high > UNCLEAR_FROM * low) {
    return `of a speed that is not clear: ${factorText(1 / low)} times ${SPEED_WORDS.better} to ${factorText(high)} times ${SPEED_WORDS.worse}`;
  }
  return phrase === SPEED_WORDS.equal ? phrase : `${phrase} or ${SPEED_WORDS.equal}`;
}

/** " because of QuantizeLinear and Conv": behind "slower"; empty where nothing is slower, or no operator costs it. */
function becausePhrase({ slowdown }: CompressionReport): string {
  const names = slowdown?.operators.map(({ operator }) => operator) ?? [];
  return names.length === 0 ? "" : ` because of ${new Intl.ListFormat("en-GB").format(names)}`;
}

/** "8.6 times smaller, 1.9 times faster, for 0.4 points of accuracy"; "..., but 2.1 times slower because of Conv: ..." */
export function headline(report: CompressionReport): string {
  const parts = [gainPhrase(report), costPhrase(report)].filter((part) => part !== "");
  const text = parts.join(report.slowdown === null ? ", " : ": ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Size and speed. A loss of speed is no item of a list of gains. */
function gainPhrase(report: CompressionReport): string {
  const { original, compressed, slowdown } = report;
  const size = ratioPhrase(original.bytes, compressed.bytes, SIZE_WORDS);
  const speed = speedPhrase(report);
  const told = speed === null ? null : `${speed}${becausePhrase(report)}`;
  return [size, told].filter((part) => part !== null).join(slowdown === null ? ", " : ", but ");
}

function costPhrase(report: CompressionReport): string {
  if (report.accuracy === null) return agreementPhrase(report);
  const { value, low } = report.accuracy.difference;
  const decimals = pointDecimals(value);
  const size = fixedText(Math.abs(value) * 100, decimals);
  const images = `on ${plural(report.accuracy.images, "image")}`;
  if (Number(size) === 0) return `with no change in accuracy ${images}`;
  if (value < 0) return `for ${size} points of accuracy`;
  // A gain that chance explains is not claimed.
  return low > 0 ? `with ${size} points more accuracy` : `with no accuracy lost ${images}`;
}

/** "the same prediction for 98.9 % of 1,000 images, 95 % interval 98.0 … 99.4 %"; of an output that is no class, its error. */
export function agreementPhrase({ agreement, taskFigures }: CompressionReport): string {
  if (agreement === null) {
    const [first] = taskFigures?.differences ?? [];
    return first ? `${first.name}: ${taskFigureText(first)}` : "an output that is not compared";
  }
  const { count, of, value, low, high } = agreement;
  const whole =
    count === of ? `all ${plural(of, "image")}` : `${percentText(value)} of ${plural(of, "image")}`;
  return `the same prediction for ${whole}, 95\u00a0% interval ${percentText(low)}\u00a0…\u00a0${percentText(high)}`;
}

/** Every figure of the verdict, in one sentence. */
export function verdictSentence(report: CompressionReport): string {
  const { original, compressed, accuracy } = report;
  const size = ratioPhrase(original.bytes, compressed.bytes, SIZE_WORDS);
  const speed = speedPhrase(report);
  const sizes = `${bytesText(original.bytes)} → ${bytesText(compressed.bytes)}${size === null ? "" : `, ${size}`}`;
  const parts = [
    ...(report.slowdown === null ? [sizes, speed] : [`${sizes}, but ${speed}${becausePhrase(report)}`]),
    accuracy === null ? `${agreementPhrase(report)} (${whyNoAccuracy(report)})` : accuracyPhrase(accuracy),
  ];
  return `${parts.filter((part) => part !== null).join("; ")}.`;
}

/** For a report without accuracy. */
export function whyNoAccuracy({ task }: CompressionReport): string {
  return task === "classification" ? "no labels, so accuracy is unknown" : `a model of ${task}`;
}

type Difference = TaskFigures["differences"][number];

/** "98.9 % of 1,000 images, 95 % interval 98.0 … 99.4 %", "0.012, 95 % interval 0.008 … 0.016, 32 images", "24.3 dB, 32 images" */
export function taskFigureText({ unit, value, interval, of }: Difference): string {
  const text = taskValueText(unit, value);
  const range = interval
    ? `, 95\u00a0% interval ${taskValueText(unit, interval.low)}\u00a0…\u00a0${taskValueText(unit, interval.high)}`
    : "";
  return unit === "share" ? `${text} of ${of}${range}` : `${text}${range}, ${of}`;
}

/** JSON has no infinity: noise that is not there is no figure. */
export function taskValueText(unit: Difference["unit"], value: Figure): string {
  if (!isFigure(value)) return unit === "dB" ? "no noise, or none that can be measured" : MISSING;
  if (unit === "share") return percentText(value);
  return unit === "dB" ? `${fixedText(value, 1)}\u00a0dB` : figureText(value, 4);
}

/** "accuracy 97.5 % → 97.1 % (−0.4 points, 95 % interval −0.8 … 0.0)" */
export function accuracyPhrase(accuracy: AccuracyComparison): string {
  const { top1 } = accuracy;
  return `accuracy ${percentText(top1.original)} → ${percentText(top1.compressed)} (${differencePhrase(accuracy)})`;
}

/** "−0.4 points, 95 % interval −0.8 … 0.0" */
export function differencePhrase(accuracy: AccuracyComparison): string {
  const { value, low, high } = accuracy.difference;
  const decimals = pointDecimals(value, low, high);
  const points = (difference: number) => pointsText(difference, decimals);
  return `${points(value)} points, 95\u00a0% interval ${points(low)}\u00a0…\u00a0${points(high)}`;
}

/** What the interval allows one to say. */
export function intervalSentence(accuracy: AccuracyComparison): string {
  const { low, high } = accuracy.difference;
  if (!isFigure(low) || !isFigure(high)) return "No interval could be computed.";
  if (low === 0 && high === 0) return "Both models were right on the same images.";
  if (low <= 0 && high >= 0) return "The interval includes zero: chance alone could explain the difference.";
  return high < 0
    ? "The whole interval lies below zero: the loss is more than chance."
    : "The whole interval lies above zero: the gain is more than chance.";
}
