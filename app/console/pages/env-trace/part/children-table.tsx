/** Which child got which secrets. */
import { useMemo } from "preact/hooks";
import { MoreRows } from "../../../shared/part/more-rows.tsx";
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import { Section } from "../../../shared/part/section.tsx";
import type { EnvTraceDocument } from "../../../src/env-pages.ts";
import { childrenOf } from "../view/children.ts";

export function ChildrenTable({ trace }: { readonly trace: EnvTraceDocument }) {
  const children = useMemo(() => childrenOf(trace), [trace]);
  return (
    <Section
      id="children"
      title="What children get"
      intro="Processes and threads that were given secrets, as they were first started. Values in their commands are masked. A child that got no secret is not here."
    >
      <div class="panel accesses">
        {children.length === 0 ? (
          <p class="muted">No child got a secret.</p>
        ) : (
          <MoreRows rows={children} most={40}>
            {(shown) => (
              <ScrollTable label="Table of children and the secrets that they got">
                <table class="plain">
                  <thead>
                    <tr>
                      <th scope="col">command</th>
                      <th scope="col">started by</th>
                      <th scope="col">gets</th>
                    </tr>
                  </thead>
                  <tbody>
                    {shown.map(({ command, starter, names }, i) => (
                      <tr key={i}>
                        <th scope="row">
                          <code>{command}</code>
                        </th>
                        <td>{starter}</td>
                        <td>{names.join(", ")}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </ScrollTable>
            )}
          </MoreRows>
        )}
      </div>
    </Section>
  );
}
