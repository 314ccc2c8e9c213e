/** Errors by their code: what went wrong lately first. */
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import { Section } from "../../../shared/part/section.tsx";
import { countText } from "../../../shared/view/number-text.ts";
import { errorFigures } from "../view/figures.ts";
import type { Span } from "../view/history.ts";
import type { Snapshot } from "../view/snapshot.ts";

export function Errors({ latest, span }: { readonly latest: Snapshot; readonly span: Span | null }) {
  const errors = errorFigures(latest, span);
  return (
    <Section
      id="errors"
      title="Errors"
      intro="Of every request that was refused or failed, whatever it asked for."
    >
      {errors.length === 0 ? (
        <p class="panel muted">None since the server started.</p>
      ) : (
        <div class="panel">
          <ScrollTable label="Table of errors by code">
            <table class="plain">
              <thead>
                <tr>
                  <th scope="col">code</th>
                  <th scope="col" class="numeric">
                    last minute
                  </th>
                  <th scope="col" class="numeric">
                    since the start
                  </th>
                </tr>
              </thead>
              <tbody>
                {errors.map(({ code, all, lately }) => (
                  <tr key={code}>
                    <th scope="row">
                      <code>{code}</code>
                    </th>
                    <td class="numeric">{countText(lately)}</td>
                    <td class="numeric">{countText(all)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </ScrollTable>
        </div>
      )}
    </Section>
  );
}
