// biome-ignore-all lint/a11y/useFocusableInteractive lint/a11y/useKeyWithClickEvents: the grid has the focus, takes the keys, and names the active cell
// biome-ignore-all lint/a11y/useSemanticElements: a table cannot leave out rows and cells
/**
 * The matrix as a grid. Only cells that are in view and have something are in the document, whatever its size; heads of rows and
 * columns stay. The keyboard moves one cell about, which is there even where nothing is in it.
 */
import type { TargetedKeyboardEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { plural } from "../../../shared/view/number-text.ts";
import { cellSentence, type Matrix, type MatrixCell, type MatrixRow } from "../view/matrix.ts";
import { scrollTo, type VisibleRange, visibleRange } from "../view/visible-range.ts";

/** Pixels; the style sheet takes them from here. */
const sizes = { row: 28, column: 34, head: 216 } as const;

/** Of the head of a row, by the width of the grid. */
const headWidth = (width: number) => Math.round(Math.min(230, width * 0.44));

interface MatrixGridProps {
  readonly matrix: Matrix;
  /** Index into the packages. */
  readonly selected: number;
  readonly onSelect: (at: number) => void;
}

interface View {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export function MatrixGrid({ matrix, selected, onSelect }: MatrixGridProps) {
  const { rows, columns, cells } = matrix;
  const grid = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<View>({ left: 0, top: 0, width: 1200, height: 560 });
  /** Column -1 is the package itself. */
  const [active, setActive] = useState({ row: 0, column: -1 });
  const side = headWidth(view.width);
  const inner = { width: view.width - side, height: view.height - sizes.head };
  const look = () => {
    const element = grid.current;
    if (element === null) return;
    const { scrollLeft: left, scrollTop: top, clientWidth: width, clientHeight: height } = element;
    setView({ left, top, width, height });
  };
  useEffect(() => {
    const observer = new ResizeObserver(look);
    if (grid.current !== null) observer.observe(grid.current);
    return () => observer.disconnect();
  }, []);
  // Other filters make another matrix: its beginning is looked at.
  useEffect(() => {
    setActive({ row: 0, column: -1 });
    grid.current?.scrollTo(0, 0);
  }, [matrix]);

  const rowRange = visibleRange(view.top, inner.height, sizes.row, rows.length);
  const columnRange = visibleRange(view.left, inner.width, sizes.column, columns.length);
  const activeRow = rows[active.row];
  const activeColumn = columns[active.column];

  const move = (row: number, column: number) => {
    const to = {
      row: Math.max(0, Math.min(rows.length - 1, row)),
      column: Math.max(-1, Math.min(columns.length - 1, column)),
    };
    setActive(to);
    grid.current?.scrollTo(
      scrollTo(Math.max(0, to.column), view.left, inner.width, sizes.column),
      scrollTo(to.row, view.top, inner.height, sizes.row),
    );
  };
  const page = Math.max(1, Math.floor(inner.height / sizes.row) - 1);
  const choose = () => activeRow !== undefined && onSelect(activeRow.at);
  const keys = new Map<string, () => void>([
    ["ArrowDown", () => move(active.row + 1, active.column)],
    ["ArrowUp", () => move(active.row - 1, active.column)],
    ["ArrowRight", () => move(active.row, active.column + 1)],
    ["ArrowLeft", () => move(active.row, active.column - 1)],
    ["PageDown", () => move(active.row + page, active.column)],
    ["PageUp", () => move(active.row - page, active.column)],
    ["Home", () => move(active.row, -1)],
    ["End", () => move(active.row, columns.length - 1)],
    ["Enter", choose],
    [" ", choose],
  ]);
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLDivElement>) => {
    const act = keys.get(event.key);
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };
  const places = withActive(rowRange, active.row, rows.length);

  return (
    <>
      <p class="panel active-cell" role="status">
        {activeRow === undefined
          ? "Nothing to show."
          : activeColumn === undefined
            ? `${activeRow.name}: ${plural(cells[active.row]?.size ?? 0, "name")}`
            : cellSentence(activeRow, activeColumn, cells[active.row]?.get(active.column))}
      </p>
      <div
        ref={grid}
        class="matrix"
        role="grid"
        tabIndex={0}
        aria-label="Packages by names"
        aria-rowcount={rows.length + 1}
        aria-colcount={columns.length + 1}
        aria-activedescendant={activeRow === undefined ? undefined : "active-cell"}
        style={{
          "--side": `${side}px`,
          "--row": `${sizes.row}px`,
          "--column": `${sizes.column}px`,
          "--head": `${sizes.head}px`,
          "--width": `${side + columns.length * sizes.column}px`,
          "--height": `${rows.length * sizes.row}px`,
        }}
        onScroll={look}
        onKeyDown={onKeyDown}
      >
        <div class="matrix-head" role="row" aria-rowindex={1}>
          <div class="corner" role="columnheader" aria-colindex={1}>
            package
          </div>
          {columns.slice(columnRange.from, columnRange.to).map(({ label, isTagged }, i) => (
            <div
              key={columnRange.from + i}
              role="columnheader"
              class={isTagged ? "tagged" : undefined}
              aria-colindex={columnRange.from + i + 2}
              title={isTagged ? `${label}, a secret` : label}
              style={{ "--at": columnRange.from + i }}
            >
              <span>{label}</span>
            </div>
          ))}
        </div>
        <div class="matrix-body" role="rowgroup">
          {places.map((at) => {
            const row = rows[at];
            return row === undefined ? null : (
              <GridRow
                key={row.at}
                row={row}
                at={at}
                matrix={matrix}
                range={columnRange}
                isSelected={row.at === selected}
                active={at === active.row ? active.column : null}
                onPick={(column) => {
                  setActive({ row: at, column });
                  onSelect(row.at);
                }}
              />
            );
          })}
        </div>
      </div>
    </>
  );
}

/** Of those in view, and of the active one wherever it is. */
function withActive({ from, to }: VisibleRange, active: number, count: number): number[] {
  const found = Array.from({ length: to - from }, (_, i) => from + i);
  if (active >= 0 && active < count && (active < from || active >= to)) found.push(active);
  return found;
}

interface GridRowProps {
  readonly row: MatrixRow;
  readonly at: number;
  readonly matrix: Matrix;
  readonly range: VisibleRange;
  readonly isSelected: boolean;
  /** The active column, null where the active cell is in another row. */
  readonly active: number | null;
  readonly onPick: (column: number) => void;
}

function GridRow({ row, at, matrix: { columns, cells }, range, isSelected, active, onPick }: GridRowProps) {
  const found = cells[at];
  const shown = withActive(range, active ?? -1, columns.length).filter(
    (column) => found?.has(column) || column === active,
  );
  return (
    <div
      class={isSelected ? "matrix-row selected" : "matrix-row"}
      role="row"
      aria-rowindex={at + 2}
      aria-selected={isSelected}
      style={{ "--at": at }}
    >
      <div
        role="rowheader"
        aria-colindex={1}
        id={active === -1 ? "active-cell" : undefined}
        class={active === -1 ? "active" : undefined}
        title={row.name}
        onClick={() => onPick(-1)}
      >
        <span>{row.name}</span>
        {row.isNew && <b class="tag">new</b>}
      </div>
      {shown.map((column) => {
        const head = columns[column];
        const cell = found?.get(column);
        if (head === undefined) return null;
        const sentence = cellSentence(row, head, cell);
        const letters = lettersShown(cell);
        return (
          <div
            key={column}
            role="gridcell"
            aria-colindex={column + 2}
            aria-label={letters === "" ? sentence : `${letters}: ${sentence}`}
            id={column === active ? "active-cell" : undefined}
            class={cellClass(cell, head.isTagged, column === active)}
            title={sentence}
            style={{ "--at": column }}
            onClick={() => onPick(column)}
          >
            {letters}
          </div>
        );
      })}
    </div>
  );
}

/** Letters that a cell has room for. */
const mostLetters = 3;

function lettersShown(cell: MatrixCell | undefined): string {
  const letters = cell?.letters ?? "";
  return letters.length > mostLetters ? `${letters.slice(0, mostLetters - 1)}+` : letters;
}

function cellClass(cell: MatrixCell | undefined, isTagged: boolean, isActive: boolean): string {
  const states = [
    cell === undefined ? "empty" : "cell",
    isTagged && cell !== undefined ? "tagged" : "",
    cell?.isDenied || cell?.isListed === false ? "refused" : "",
    cell?.isNew ? "fresh" : "",
    isActive ? "active" : "",
  ];
  return states.filter((state) => state !== "").join(" ");
}
