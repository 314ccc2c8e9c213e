/** Every row that was measured, with what is sure of it. */
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import { countText, fixedText, MISSING, percentText } from "../../../shared/view/number-text.ts";
import type { ProtocolsCell } from "../../../src/pages.ts";
import { intervalText } from "../view/interval-text.ts";

const columns: readonly { readonly title: string; text(cell: ProtocolsCell): string }[] = [
  { title: "mean", text: ({ mean }) => countText(mean.value) },
  { title: "P50", text: ({ p50 }) => countText(p50.value) },
  { title: "P99 (95 % interval)", text: ({ p99 }) => intervalText(p99) },
  { title: "failed", text: ({ failed }) => percentText(failed, 2) },
  { title: "bytes", text: ({ bytes }) => countText(bytes) },
  { title: "packets", text: ({ packets }) => fixedText(packets, 1) },
  { title: "made", text: ({ made }) => countText(made) },
  { title: "extra sends", text: ({ extraSends }) => (extraSends === 0 ? MISSING : percentText(extraSends)) },
];

interface CellTableProps {
  readonly label: string;
  readonly cells: readonly ProtocolsCell[];
}

export function CellTable({ label, cells }: CellTableProps) {
  return (
    <ScrollTable label={label}>
      <table class="plain cells">
        <thead>
          <tr>
            <th scope="col">protocol</th>
            <th scope="col">connections</th>
            <th scope="col">with</th>
            {columns.map(({ title }) => (
              <th key={title} scope="col" class="numeric">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {cells.map((cell) => (
            <tr key={cell.name}>
              <th scope="row">
                {cell.protocol} {!cell.isPunctual && <span class="tag">not on time</span>}
              </th>
              <td>{cell.connections}</td>
              <td>{cell.else}</td>
              {columns.map(({ title, text }) => (
                <td key={title} class="numeric">
                  {text(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollTable>
  );
}
