/** The figures that were claimed for the model, and signed with it. */
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import { Section } from "../../../shared/part/section.tsx";
import type { AttestedFigures } from "../../../src/pages.ts";
import { unitText } from "../view/unit-text.ts";

export function FigureTable({ figures: { measured, differences } }: { readonly figures: AttestedFigures }) {
  return (
    <Section
      id="figures"
      title="What is claimed"
      intro="Measured when the model was compressed. The interval is of 95 %. A ratio is of the model over its original."
    >
      <div class="panel">
        <ScrollTable label="Table of the figures that are claimed">
          <table class="plain">
            <thead>
              <tr>
                <th scope="col">figure</th>
                <th scope="col" class="numeric">
                  original
                </th>
                <th scope="col" class="numeric">
                  model
                </th>
                <th scope="col" class="numeric">
                  against the original
                </th>
                <th scope="col">of</th>
              </tr>
            </thead>
            <tbody>
              {measured.map(({ name, unit, original, compressed, of }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td class="numeric">{unitText(unit, original)}</td>
                  <td class="numeric">{unitText(unit, compressed)}</td>
                  <td />
                  <td>{of}</td>
                </tr>
              ))}
              {differences.map(({ name, unit, value, interval, of }) => (
                <tr key={`${name}, difference`}>
                  <th scope="row">{name}</th>
                  <td />
                  <td />
                  <td class="numeric">
                    {unitText(unit, value)}
                    {interval && ` (${unitText(unit, interval.low)} to ${unitText(unit, interval.high)})`}
                  </td>
                  <td>{of}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollTable>
      </div>
    </Section>
  );
}
