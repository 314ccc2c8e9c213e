/** A table whose figures are texts already: of loads that are carried, and of hedging. */
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import { Section } from "../../../shared/part/section.tsx";
import type { ProtocolsTable } from "../../../src/pages.ts";

export function TextTable({ id, table }: { readonly id: string; readonly table: ProtocolsTable }) {
  const { title, intro, header, rows } = table;
  const classOf = (column: number) =>
    rows.every((row) => /^([-+\u2212]?\d|-$|$)/.test(row[column] ?? "")) ? "numeric" : undefined;
  return (
    <Section id={id} title={title} intro={intro}>
      <div class="panel">
        <ScrollTable label={`Table: ${title}`}>
          <table class="plain">
            <thead>
              <tr>
                {header.map((name, i) => (
                  <th key={name} scope="col" class={classOf(i)}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, i) => (
                <tr key={i}>
                  {row.map((cell, column) =>
                    column === 0 ? (
                      <th key={header[column]} scope="row" class={classOf(column)}>
                        {cell}
                      </th>
                    ) : (
                      <td key={header[column]} class={classOf(column)}>
                        {cell}
                      </td>
                    ),
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollTable>
      </div>
    </Section>
  );
}
