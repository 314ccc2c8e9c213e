/**
 * A drawing of a graph in columns, after Sugiyama, Tagawa and Toda (1981): every line goes from left to right, or, where the
 * graph goes round, the whole way from right to left; boxes and the words on lines never lie on each other, and no line
 * crosses one. Each layer of boxes is followed by one of words: a line has a place of its own in every column that it crosses,
 * and bends only in the gaps between columns. Pure: sizes in, places out, in the same unit; the same graph gives the same drawing.
 */
import { backwardEdges } from "./backward-edges.ts";
import { layersOf } from "./layers.ts";
import { orderLayers } from "./order-layers.ts";
import { placeInLayers } from "./place-in-layers.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface LayoutEdge {
  /** Indices into the boxes. */
  readonly from: number;
  readonly to: number;
  /** Of the words on it. */
  readonly words: Size;
}

export interface PlacedBox extends Size {
  readonly x: number;
  readonly y: number;
}

/** A level piece of a line. Between two of them it bends. */
export interface LevelPiece {
  readonly x1: number;
  readonly x2: number;
  readonly y: number;
}

export interface PlacedLine {
  /** From left to right, also of a line that goes back. */
  readonly pieces: readonly LevelPiece[];
  readonly words: PlacedBox;
  /** From right to left: its graph goes round. */
  readonly isBackward: boolean;
}

export interface Layout extends Size {
  readonly boxes: readonly PlacedBox[];
  /** As the edges; null of one from a box to itself, which is not drawn. */
  readonly lines: readonly (PlacedLine | null)[];
}

/** What has a place in a column: a box, the words of a line, or a line that goes through. */
export interface LayoutItem extends Size {
  readonly layer: number;
  /** Items in the layer before, and in the one after. */
  readonly left: number[];
  readonly right: number[];
}

/** Between columns, where lines bend. */
const gap = 26;
const lineSize: Size = { width: 0, height: 8 };

export function layOut(boxes: readonly Size[], edges: readonly LayoutEdge[]): Layout {
  const backward = backwardEdges(boxes.length, edges);
  const forward = edges.map(({ from, to }, at) => (backward.has(at) ? { from: to, to: from } : { from, to }));
  const layers = layersOf(boxes.length, forward);
  const items: LayoutItem[] = boxes.map((size, at) => item(size, (layers[at] ?? 0) * 2));
  const ways = forward.map(({ from, to }, at) => {
    const [first, last] = [items[from], items[to]];
    if (from === to || first === undefined || last === undefined) return null;
    const between: number[] = [];
    for (let layer = first.layer + 1; layer < last.layer; layer++) {
      const isOfWords = layer === first.layer + 1;
      between.push(items.push(item(isOfWords ? (edges[at]?.words ?? lineSize) : lineSize, layer)) - 1);
    }
    const way = [from, ...between, to];
    for (let i = 1; i < way.length; i++) join(items, way[i - 1] ?? 0, way[i] ?? 0);
    return way;
  });
  const columns = orderLayers(items);
  const middles = placeInLayers(items, columns);
  const widths = columns.map((column) => Math.max(0, ...column.map((at) => items[at]?.width ?? 0)));
  const lefts: number[] = [];
  let width = 0;
  for (const each of widths) {
    lefts.push(width);
    width += each + gap;
  }
  const placed = items.map((each, at): PlacedBox => {
    const room = (widths[each.layer] ?? 0) - each.width;
    const { width, height } = each;
    return { x: (lefts[each.layer] ?? 0) + room / 2, y: (middles[at] ?? 0) - height / 2, width, height };
  });
  const lines = ways.map((way, at): PlacedLine | null => {
    const words = placed[way?.[1] ?? -1];
    if (way === null || words === undefined) return null;
    const pieces = way.map((each, i): LevelPiece => {
      const { x = 0, width = 0 } = placed[each] ?? {};
      const layer = items[each]?.layer ?? 0;
      const [left, right] = [lefts[layer] ?? 0, (lefts[layer] ?? 0) + (widths[layer] ?? 0)];
      return {
        x1: i === 0 ? x + width : left,
        x2: i === way.length - 1 ? x : right,
        y: middles[each] ?? 0,
      };
    });
    return { pieces, words, isBackward: backward.has(at) };
  });
  const height = Math.max(0, ...placed.map(({ y, height }) => y + height));
  return { width: Math.max(0, width - gap), height, boxes: placed.slice(0, boxes.length), lines };
}

function item({ width, height }: Size, layer: number): LayoutItem {
  return { width, height, layer, left: [], right: [] };
}

function join(items: readonly LayoutItem[], left: number, right: number): void {
  items[left]?.right.push(right);
  items[right]?.left.push(left);
}
