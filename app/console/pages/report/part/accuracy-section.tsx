/** What the compression cost in right predictions, how sure that is, and in which classes. */
import type { AccuracyComparison, CompressionReport } from "@cupel/report";
import { Section } from "../../../shared/part/section.tsx";
import { percentText, plural, pointDecimals, pointsText } from "../../../shared/view/number-text.ts";
import { agreementPhrase, intervalSentence } from "../view/verdict.ts";
import { ConfusionTable } from "./confusion-table.tsx";
import { IntervalPlot } from "./interval-plot.tsx";
import { TaskSection } from "./task-section.tsx";

export function AccuracySection({ report }: { readonly report: CompressionReport }) {
  const { accuracy, taskFigures } = report;
  if (taskFigures !== null) return <TaskSection task={report.task} figures={taskFigures} />;
  if (accuracy === null) {
    return (
      <Section id="accuracy" title="Accuracy">
        <p>
          The images have no labels, so accuracy is not known: <b>{agreementPhrase(report)}</b>.
        </p>
      </Section>
    );
  }
  return (
    <Section
      id="accuracy"
      title="Accuracy"
      intro={`Both models were given the same ${plural(accuracy.images, "image")}, of ${plural(accuracy.classes.length, "class", "classes")}.`}
    >
      <div class="panels">
        <div class="panel">
          <h3>Right predictions</h3>
          <AccuracyTable accuracy={accuracy} agreement={agreementPhrase(report)} />
        </div>
        <div class="panel">
          <h3>How sure is the difference?</h3>
          <p class="muted">
            Change of accuracy in points, with its 95 % confidence interval. Both models saw the same images,
            so only those with different predictions count.
          </p>
          <IntervalPlot difference={accuracy.difference} />
          <p class="conclusion">{intervalSentence(accuracy)}</p>
        </div>
        <div class="panel wide">
          <h3>Predictions that changed, by class</h3>
          <ConfusionTable accuracy={accuracy} />
        </div>
      </div>
    </Section>
  );
}

interface AccuracyTableProps {
  readonly accuracy: AccuracyComparison;
  readonly agreement: string;
}

function AccuracyTable({ accuracy, agreement }: AccuracyTableProps) {
  const rows = [
    { title: "Top prediction right", figures: accuracy.top1 },
    { title: "Label among the top five predictions", figures: accuracy.top5 },
  ];
  return (
    <>
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">
              <span class="visually-hidden">Measure</span>
            </th>
            <th scope="col" class="numeric">
              before
            </th>
            <th scope="col" class="numeric">
              after
            </th>
            <th scope="col" class="numeric">
              points
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(
            ({ title, figures }) =>
              figures !== null && (
                <tr key={title}>
                  <th scope="row">{title}</th>
                  <td class="numeric">{percentText(figures.original)}</td>
                  <td class="numeric">{percentText(figures.compressed)}</td>
                  <td class="numeric">{differenceText(figures.compressed - figures.original)}</td>
                </tr>
              ),
          )}
        </tbody>
      </table>
      <p class="muted">Before and after: {agreement}.</p>
    </>
  );
}

function differenceText(difference: number): string {
  return pointsText(difference, pointDecimals(difference));
}
