/** Every figure of every layer: sorted by any column, filtered by words. */
import type { CompressionReport } from "@cupel/report";
import { useMemo, useState } from "preact/hooks";
import { ScrollTable } from "../../../shared/part/scroll-table.tsx";
import { Section } from "../../../shared/part/section.tsx";
import { plural } from "../../../shared/view/number-text.ts";
import { outputError } from "../view/error-context.ts";
import { type LayerColumn, layerColumns } from "../view/layer-columns.ts";
import { shortName } from "../view/layer-name.ts";
import { filterLayers, nextSorting, type Sorting, sortLayers } from "../view/layer-order.ts";
import { CsvDownload } from "./csv-download.tsx";
import { HowToRead } from "./how-to-read.tsx";

interface LayerTableProps {
  readonly report: CompressionReport;
  readonly firstBad: number;
  readonly selected: number;
  readonly onSelect: (index: number) => void;
}

/** Three lines of the column; the full name is in the tooltip and in the panel. */
const MOST_CHARACTERS = 66;

/** Columns under one heading, such as "Relative error". */
const groups = layerColumns.reduce<{ readonly title: string; readonly columns: LayerColumn[] }[]>(
  (made, column) => {
    const last = made.at(-1);
    if (last !== undefined && column.group !== "" && last.title === column.group) last.columns.push(column);
    else made.push({ title: column.group, columns: [column] });
    return made;
  },
  [],
);

export function LayerTable({ report, firstBad, selected, onSelect }: LayerTableProps) {
  const { layers } = report;
  const [sorting, setSorting] = useState<Sorting>({ column: "order", descending: false });
  const [words, setWords] = useState("");
  const shown = useMemo(() => sortLayers(filterLayers(layers, words), sorting), [layers, words, sorting]);
  const sortedBy = { sorting, onSort: setSorting };

  return (
    <Section
      id="table"
      title="All layers"
      intro={`Choose a heading to sort. Choose a layer's name to see it in the map above. Relative error compares each value with itself: where values are near zero, hundreds of per cent mean little. SQNR compares the layer as a whole. ${outputError(report) ?? ""}`}
    >
      <div class="search">
        <label>
          Filter{" "}
          <input
            type="search"
            value={words}
            placeholder="name, operator or weights"
            onInput={(event) => setWords(event.currentTarget.value)}
          />
        </label>
        <output>
          {shown.length === layers.length
            ? plural(layers.length, "layer")
            : `${shown.length} of ${plural(layers.length, "layer")}`}
        </output>
        <CsvDownload layers={layers} model={report.compressed.file} />
      </div>
      <ScrollTable class="table-scroll" label="Table of layers">
        <table class="layer-table">
          <thead>
            <tr class="groups">
              {groups.map(({ title, columns }) =>
                title === "" ? (
                  columns.map((column) => (
                    <Heading {...sortedBy} key={column.id} column={column} rowSpan={2} />
                  ))
                ) : (
                  <th
                    key={title}
                    class={`group ${columnClass(columns[0])}`}
                    colSpan={columns.length}
                    scope="colgroup"
                  >
                    {title}
                  </th>
                ),
              )}
            </tr>
            <tr>
              {layerColumns
                .filter((column) => column.group !== "")
                .map((column) => (
                  <Heading {...sortedBy} key={column.id} column={column} />
                ))}
            </tr>
          </thead>
          <tbody>
            {shown.map(({ layer, index }) => (
              <tr key={index} class={index === selected ? "selected" : undefined}>
                {layerColumns.map((column) => (
                  <td key={column.id} class={columnClass(column)}>
                    {column.id === "name" ? (
                      <button type="button" title={layer.name} onClick={() => onSelect(index)}>
                        {shortName(layer.name, MOST_CHARACTERS)}
                        {index === firstBad && <span class="tag">first bad layer</span>}
                      </button>
                    ) : (
                      column.text(layer, index)
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {shown.length === 0 && <p class="muted">No layer has these words.</p>}
      </ScrollTable>
      <HowToRead />
    </Section>
  );
}

interface HeadingProps {
  readonly column: LayerColumn;
  /** 2 for a column without a heading over it. */
  readonly rowSpan?: number;
  readonly sorting: Sorting;
  readonly onSort: (sorting: Sorting) => void;
}

function Heading({ column, rowSpan = 1, sorting, onSort }: HeadingProps) {
  const sorted = sorting.column === column.id;
  const direction = sorting.descending ? "descending" : "ascending";
  return (
    <th class={columnClass(column)} rowSpan={rowSpan} scope="col" aria-sort={sorted ? direction : "none"}>
      <button
        type="button"
        title={column.explanation}
        onClick={() => onSort(nextSorting(sorting, column.id))}
      >
        {column.title}
        <span class="arrow" aria-hidden="true">
          {sorted ? (sorting.descending ? "▼" : "▲") : ""}
        </span>
      </button>
    </th>
  );
}

function columnClass(column: LayerColumn | undefined): string {
  return `column-${column?.id}${column?.numeric ? " numeric" : ""}`;
}
