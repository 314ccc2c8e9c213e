/** Which layers the table shows, and in what order. Pure, so that the table only draws. */
import type { LayerReport } from "@cupel/report";
import { columnsById, type SortKey } from "./layer-columns.ts";

export interface Sorting {
  /** A column id. */
  readonly column: string;
  readonly descending: boolean;
}

/** A layer and its place in the order of execution, which sorting must not lose. */
export interface PlacedLayer {
  readonly layer: LayerReport;
  readonly index: number;
}

/** Every word of `words` must occur in the name, operator or form of weights; case does not matter. */
export function filterLayers(layers: readonly LayerReport[], words: string): PlacedLayer[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return layers
    .map((layer, index) => ({ layer, index }))
    .filter(({ layer }) => {
      const text = `${layer.name} ${layer.operator} ${layer.weightForm ?? ""}`.toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
}

/** Stable; missing figures stand last in either direction; ties keep the order of execution. */
export function sortLayers(layers: readonly PlacedLayer[], sorting: Sorting): PlacedLayer[] {
  const column = columnsById.get(sorting.column);
  if (column === undefined) return [...layers];
  const direction = sorting.descending ? -1 : 1;
  return layers
    .map((placed) => ({ placed, key: column.key(placed.layer, placed.index) }))
    .sort((a, b) => {
      if (a.key === null || b.key === null) {
        return Number(a.key === null) - Number(b.key === null) || a.placed.index - b.placed.index;
      }
      return direction * compareKeys(a.key, b.key) || a.placed.index - b.placed.index;
    })
    .map(({ placed }) => placed);
}

function compareKeys(a: NonNullable<SortKey>, b: NonNullable<SortKey>): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

/** A click on a heading: the other direction of the same column, or the column's telling end first. */
export function nextSorting(current: Sorting, column: string): Sorting {
  if (current.column === column) return { column, descending: !current.descending };
  return { column, descending: columnsById.get(column)?.descendingFirst ?? false };
}
