/** What a compression cost a model that does not tell classes apart: in the figures of its task. */
import type { TaskFigures } from "@cupel/report";
import { Section } from "../../../shared/part/section.tsx";
import { taskFigureText, taskValueText } from "../view/verdict.ts";

interface TaskSectionProps {
  readonly task: string;
  readonly figures: TaskFigures;
}

export function TaskSection({ task, figures: { measured, differences } }: TaskSectionProps) {
  return (
    <Section
      id="accuracy"
      title="Accuracy"
      intro={`The model is one of ${task}; both models were given the same images.`}
    >
      <div class="panels">
        <div class="panel">
          <h3>The same answers?</h3>
          <table class="plain">
            <tbody>
              {differences.map((figure) => (
                <tr key={figure.name}>
                  <th scope="row">{figure.name}</th>
                  <td>{taskFigureText(figure)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <div class="panel">
          <h3>Against the labels</h3>
          {measured.length === 0 ? (
            <p>There are no labels to measure by.</p>
          ) : (
            <MeasuredTable measured={measured} />
          )}
        </div>
      </div>
    </Section>
  );
}

function MeasuredTable({ measured }: { readonly measured: TaskFigures["measured"] }) {
  return (
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
          <th scope="col">taken over</th>
        </tr>
      </thead>
      <tbody>
        {measured.map(({ name, unit, original, compressed, of }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="numeric">{taskValueText(unit, original)}</td>
            <td class="numeric">{taskValueText(unit, compressed)}</td>
            <td>{of}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
