/** Median time for one image, with the spread between the 10th and the 90th percentile. */
import type { LatencyReport } from "@cupel/report";
import { isFigure, millisecondsText, plural } from "../../../shared/view/number-text.ts";
import { ratioPhrase, SPEED_WORDS } from "../view/verdict.ts";
import { type Bar, PairedBars } from "./paired-bars.tsx";

interface LatencyBarsProps {
  readonly original: LatencyReport;
  readonly compressed: LatencyReport;
}

export function LatencyBars({ original, compressed }: LatencyBarsProps) {
  if (!isFigure(original.medianMs) || !isFigure(compressed.medianMs)) {
    return <p class="muted">No time was measured.</p>;
  }
  const phrase = ratioPhrase(original.medianMs, compressed.medianMs, SPEED_WORDS);
  return (
    <>
      <p class="muted">
        Median of {plural(compressed.runs, "run")} with {plural(compressed.threads, "thread")}, both models in
        turn. The whisker spans the middle 80 % of the runs.
      </p>
      <PairedBars pairs={[{ title: "", original: barOf(original), compressed: barOf(compressed) }]} />
      {phrase !== null && <p class="conclusion">{phrase}</p>}
    </>
  );
}

function barOf({ medianMs, p10Ms, p90Ms }: LatencyReport): Bar {
  const spread = isFigure(p10Ms) && isFigure(p90Ms) ? ([p10Ms, p90Ms] as const) : undefined;
  return { value: medianMs, text: millisecondsText(medianMs), ...(spread && { spread }) };
}
