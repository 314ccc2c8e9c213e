/**
 * What a layer's error is relative to, and whether it lasts. A relative error compares each value with itself: in a
 * layer whose values are near zero, hundreds of per cent mean little, and a reader who meets them alone is frightened
 * for nothing.
 */
import type { CompressionReport, LayerReport } from "@cupel/report";
import { errorText, fixedText, isFigure } from "../../../shared/view/number-text.ts";

/** From here on a relative error frightens. */
const frightening = 1;
/** SQNR in decibels under which the error of a layer is large as a whole: a tenth of its signal. */
const largeUnder = 20;
/** Decibels by which the output is better than the layer where its error does not last: nine tenths of it are gone. */
const wonBack = 10;

type Outcome = Pick<CompressionReport, "outputs" | "layers">;

/** Sentences for the panel of a layer; none for a layer without error or without figures. */
export function errorContext(layer: LayerReport, report: Outcome): string[] {
  if (!isFigure(layer.sqnrDb) || layer.relativeError.peak === 0) return [];
  const whole = `Over the layer as a whole the error is ${signalText(layer.sqnrDb)}`;
  const { peak } = layer.relativeError;
  const each = "Relative error compares each value with itself.";
  const isLarge = layer.sqnrDb < largeUnder;
  const first =
    isFigure(peak) && peak < frightening
      ? `${each} ${whole}.`
      : isLarge
        ? `${each} ${whole}: that is large, and not only for values near zero.`
        : `${each} Peaks above 100\u00a0% usually come from values near zero, where a small error is many times the value. ${whole}: judge the layer by that.`;
  return [first, outputSentence(layer, report)].filter((sentence) => sentence !== null);
}

/** The outputs' errors, for every layer alike; null where no output was compared, or they have no error. */
export function outputError({ outputs, layers }: Outcome): string | null {
  const errors = outputErrors({ outputs, layers });
  if (errors.length === 0) return null;
  return `At the output the error is ${errors.map(({ sqnrDb }) => signalText(sqnrDb)).join(" and ")}.`;
}

function outputSentence(layer: LayerReport, report: Outcome): string | null {
  if (report.outputs.includes(layer.name))
    return "This is an output of the model: its error is what remains of all others.";
  const said = outputError(report);
  if (said === null) return null;
  const worst = Math.min(...outputErrors(report).map(({ sqnrDb }) => sqnrDb));
  return worst >= layer.sqnrDb + wonBack ? `${said} So most of this layer's error does not last.` : said;
}

function outputErrors({ outputs, layers }: Outcome): readonly LayerReport[] {
  return layers.filter(({ name, sqnrDb }) => outputs.includes(name) && isFigure(sqnrDb));
}

/** "2.1 % of the signal (SQNR 33.5 dB)" */
function signalText(sqnrDb: number): string {
  return `${errorText(10 ** (-sqnrDb / 20))} of the signal (SQNR ${fixedText(sqnrDb, 1)}\u00a0dB)`;
}
