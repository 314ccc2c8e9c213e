/** What the stages of a compression did, as the words and the figures that the page shows. Pure. */
import type {
  CompressionReport,
  EarlyExitReport,
  GatesReport,
  PruningReport,
  RetrainingReport,
  RoundedLayerReport,
  StagesReport,
} from "@cupel/report";
import {
  countText,
  errorText,
  millisecondsText,
  percentText,
  plural,
} from "../../../shared/view/number-text.ts";
import { ratioPhrase, SPEED_WORDS } from "./verdict.ts";

/** Null where there is nothing to show. */
export function stagesShown({ stages }: Pick<CompressionReport, "stages">): StagesReport | null {
  if (stages === undefined) return null;
  const { pruned, rounding, retrained, gates, exit } = stages;
  return pruned || rounding.length > 0 || retrained || gates || exit ? stages : null;
}

/** "48 of 168 channels were removed. The outputs differ from the original's by 0.8 % of their power." */
export function pruningSentence({ channels, kept, divergence }: PruningReport): string {
  const removed = `${countText(channels - kept)} of ${plural(channels, "channel")} ${channels - kept === 1 ? "was" : "were"} removed.`;
  return `${removed} Before anything is rounded, the outputs differ from the original's by ${errorText(divergence)} of their power.`;
}

/** What training what was left brought; null where nothing was trained. */
export function fineTuningSentence({ fineTuning }: PruningReport): string | null {
  if (fineTuning === null) return null;
  const { epochs, before, after, isKept } = fineTuning;
  const change = `${plural(epochs, "epoch")} of fine-tuning took that difference from ${errorText(before)} to ${errorText(after)}`;
  return isKept ? `${change}.` : `${change}, and were left out.`;
}

/** "gptq in 5 layers, reconstruct in 3 layers" */
export function winsText(layers: readonly RoundedLayerReport[]): string {
  const methods = [...new Set(layers.map(({ method }) => method))];
  return methods
    .map(
      (method) => `${method} in ${plural(layers.filter((layer) => layer.method === method).length, "layer")}`,
    )
    .join(", ");
}

/** Which epoch was kept, and what of. */
export function keptSentence({ epochs, kept }: RetrainingReport): string {
  if (kept === 0) return "No epoch was better than what rounding alone gave, and that is what was written.";
  const [before, after] = [epochs[0], epochs.find(({ epoch }) => epoch === kept)];
  if (before === undefined || after === undefined) return `Epoch ${kept} was kept.`;
  const figure =
    before.accuracy === null || after.accuracy === null
      ? `${percentText(before.agreement)} to ${percentText(after.agreement)} classified as the original does`
      : `${percentText(before.accuracy)} to ${percentText(after.accuracy)} right`;
  return `Epoch ${kept} was kept: of the images kept from training, ${figure}.`;
}

/** How many leave, what that costs, and what it saves. */
export function exitSentence({ chosen, times }: EarlyExitReport): string {
  const speed = ratioPhrase(times.straightMs, chosen.averageMs, SPEED_WORDS);
  return (
    `${percentText(chosen.leaving)} of the images leave early: ${millisecondsText(chosen.averageMs)} on average ` +
    `instead of ${millisecondsText(times.straightMs)}${speed === null ? "" : `, ${speed}`}.`
  );
}

/** How much work is left out, and what that saves; that it is not, where it saves nothing. */
export function gatesSentence({ chosen, times, written }: GatesReport): string {
  const average = `${millisecondsText(chosen.averageMs)} on average instead of ${millisecondsText(times.straightMs)}`;
  if (!written)
    return `No gate was written: leaving out ${percentText(chosen.skipped)} of the work would take ${average}.`;
  const speed = ratioPhrase(times.straightMs, chosen.averageMs, SPEED_WORDS);
  return `${percentText(chosen.skipped)} of the work is left out: ${average}${speed === null ? "" : `, ${speed}`}.`;
}
