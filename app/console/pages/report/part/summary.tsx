/** The head of the page: the verdict in words, the four figures behind it, and what a reader must know. */
import type { CompressionReport } from "@cupel/report";
import { Masthead } from "../../../shared/part/masthead.tsx";
import { plural } from "../../../shared/view/number-text.ts";
import { preprocessingWarning } from "../view/preprocessing-origin.ts";
import { stagesShown } from "../view/stages.ts";
import { headline, verdictSentence } from "../view/verdict.ts";
import { FigureCards } from "./figure-cards.tsx";
import { hasMemoryPlan } from "./memory-section.tsx";

interface SummaryProps {
  readonly report: CompressionReport;
  readonly onGoToLayer: () => void;
}

/** What is not in every report has a condition. */
const CONTENTS: readonly (readonly [
  id: string,
  title: string,
  isShown?: (report: CompressionReport) => boolean,
])[] = [
  ["layers", "Error by layer"],
  ["network", "Network"],
  ["table", "All layers"],
  ["stages", "What was done", (report) => stagesShown(report) !== null],
  ["size-and-speed", "Size and speed"],
  ["memory", "Memory", hasMemoryPlan],
  ["accuracy", "Accuracy"],
  ["changed", "Changed images"],
  ["provenance", "How it was made"],
];

export function Summary({ report, onGoToLayer }: SummaryProps) {
  return (
    <Masthead kind="compression report" title={headline(report)} madeAt={report.createdAt}>
      <p class="files">
        <span class="file">{report.original.file}</span> <span aria-hidden="true">→</span>
        <span class="visually-hidden">compressed to</span> <span class="file">{report.compressed.file}</span>
        <span class="muted">, {plural(report.layers.length, "layer")} compared</span>
      </p>
      <p class="verdict">{verdictSentence(report)}</p>
      <FigureCards report={report} />
      <Remarks report={report} onGoToLayer={onGoToLayer} />
      <nav aria-label="On this page">
        {CONTENTS.filter(([, , isShown]) => isShown?.(report) ?? true).map(([id, title]) => (
          <a key={id} href={`#${id}`}>
            {title}
          </a>
        ))}
      </nav>
    </Masthead>
  );
}

function Remarks({ report, onGoToLayer }: SummaryProps) {
  const { firstBadLayer, notes, layers, preprocessing, slowdown } = report;
  const warning = preprocessingWarning(preprocessing);
  const known = layers.some((layer) => layer.name === firstBadLayer?.layer);
  return (
    <div class="remarks">
      {firstBadLayer === null ? (
        <p class="remark good">
          <b>No layer stands out</b> from those around it.
        </p>
      ) : (
        <p class="remark warning">
          <b>Look here first.</b> {firstBadLayer.sentence}{" "}
          {known && (
            <button type="button" class="link" onClick={onGoToLayer}>
              Show this layer
            </button>
          )}
        </p>
      )}
      {slowdown && (
        <p class="remark warning">
          <b>Slower.</b> {slowdown.sentence}
        </p>
      )}
      {warning && (
        <p class="remark warning">
          <b>{warning.title}</b> {preprocessing.remark ?? preprocessing.setting} {warning.text}
        </p>
      )}
      {notes.map((note) => (
        <p class="remark" key={note}>
          <b>Note.</b> {note}
        </p>
      ))}
    </div>
  );
}
