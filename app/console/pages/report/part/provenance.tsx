/** How the figures came about: enough to repeat them, and to prove which files they are about. */
import type { CalibrationReport, CompressionReport, ModelSide } from "@cupel/report";
import { Section } from "../../../shared/part/section.tsx";
import { countText, plural } from "../../../shared/view/number-text.ts";
import { originText } from "../view/preprocessing-origin.ts";

export function Provenance({ report }: { readonly report: CompressionReport }) {
  const { environment, calibration, data, preprocessing } = report;
  const facts: readonly (readonly [string, string])[] = [
    ["Evaluation images", evaluationText(data.evaluation)],
    [
      "Calibration images",
      data.calibration ?? (report.calibration ? "not recorded" : "none: the models are any two"),
    ],
    ["Preprocessing", preprocessing.setting],
    ["Who says so", originText[preprocessing.origin]],
    ...(preprocessing.remark === null ? [] : [["Remark", preprocessing.remark] as const]),
    ["Output", outputText(report)],
    ["Made at", report.createdAt],
    ["Cupel", environment.cupel],
    ["Node.js", environment.node],
    ["Engine", environment.engine],
    ["Processor", `${environment.cpu}, ${plural(environment.cores, "core")}`],
    ["CPU features", environment.features.join(", ") || "none that Cupel looks for"],
    ["Seed", String(report.seed)],
    ...(calibration ? [["Calibration", calibrationText(calibration)] as const] : []),
  ];
  return (
    <Section
      id="provenance"
      title="How it was made"
      intro="Every figure was measured on the written file, run by the engine with its optimiser on. 1 MB is a million bytes."
    >
      <div class="panel">
        <h3>Command</h3>
        {report.command === null ? (
          <p class="muted">None: a program made this report.</p>
        ) : (
          <pre class="command">{report.command}</pre>
        )}
        <dl class="facts provenance">
          {facts.map(([title, text]) => (
            <div key={title}>
              <dt>{title}</dt>
              <dd>{text}</dd>
            </div>
          ))}
          <ModelFacts title="Original" side={report.original} />
          <ModelFacts title="Compressed" side={report.compressed} />
        </dl>
        {report.recipe !== null && (
          <details class="recipe">
            <summary>Recipe, with every default filled in</summary>
            <pre>{JSON.stringify(report.recipe, null, 2)}</pre>
          </details>
        )}
      </div>
    </Section>
  );
}

function evaluationText({ location, images, labelled }: CompressionReport["data"]["evaluation"]): string {
  return `${location}, ${plural(images, "image")}, ${labelled ? "labelled" : "without labels"}`;
}

function outputText({ outputs, task }: CompressionReport): string {
  const meaning = task === "classification" ? "class scores" : task;
  return `${outputs.join(", ")}: ${meaning}`;
}

function calibrationText({ method, images, batches, stoppedEarly }: CalibrationReport): string {
  const end = stoppedEarly ? "stopped early, when the ranges no longer changed" : "all images were used";
  return `${method}, ${plural(images, "image")} in ${plural(batches, "batch", "batches")}; ${end}`;
}

function ModelFacts({ title, side }: { readonly title: string; readonly side: ModelSide }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        {side.file}, {countText(side.bytes)} bytes, {countText(side.parameters)} parameters
        <br />
        SHA-256 <code class="digest">{side.sha256}</code>
      </dd>
    </div>
  );
}
