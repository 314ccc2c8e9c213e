/** Median time for one image, with the spread between the 10th and the 90th percentile. */
import type { CompressionReport, LatencyReport, Slowdown } from "@cupel/report";
import { isFigure, millisecondsText, plural } from "../../../shared/view/number-text.ts";
import { speedPhrase } from "../view/verdict.ts";
import { type Bar, PairedBars } from "./paired-bars.tsx";

export function LatencyBars({ report }: { readonly report: CompressionReport }) {
  const original = report.original.latency;
  const compressed = report.compressed.latency;
  if (!isFigure(original.medianMs) || !isFigure(compressed.medianMs)) {
    return <p class="muted">No time was measured.</p>;
  }
  const phrase = speedPhrase(report);
  return (
    <>
      <p class="muted">
        Median of {plural(compressed.runs, "run")} with {plural(compressed.threads, "thread")}, both models in
        turn. The whisker spans the middle 80 % of the runs.
      </p>
      <PairedBars pairs={[{ title: "", original: barOf(original), compressed: barOf(compressed) }]} />
      {phrase !== null && <p class="conclusion">{phrase}</p>}
      {report.slowdown !== null && <OperatorTable operators={report.slowdown.operators} />}
    </>
  );
}

/** What costs the time, where the compressed model is slower. */
function OperatorTable({ operators }: { readonly operators: Slowdown["operators"] }) {
  if (operators.length === 0) return <p class="muted">No operator takes longer by itself.</p>;
  return (
    <table class="plain">
      <thead>
        <tr>
          <th scope="col">what costs it</th>
          <th scope="col" class="numeric">
            before
          </th>
          <th scope="col" class="numeric">
            after
          </th>
        </tr>
      </thead>
      <tbody>
        {operators.map(({ operator, originalMs, compressedMs }) => (
          <tr key={operator}>
            <th scope="row">{operator}</th>
            <td class="numeric">{millisecondsText(originalMs)}</td>
            <td class="numeric">{millisecondsText(compressedMs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function barOf({ medianMs, p10Ms, p90Ms }: LatencyReport): Bar {
  const spread = isFigure(p10Ms) && isFigure(p90Ms) ? ([p10Ms, p90Ms] as const) : undefined;
  return { value: medianMs, text: millisecondsText(medianMs), ...(spread && { spread }) };
}
