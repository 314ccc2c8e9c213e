/**
 * The flame tree as boxes in one list, outer ones before inner ones: the order of the elements in the page, of a
 * screen reader, and of the arrow keys.
 */
import type { FlameFrame } from "@cupel/profile";

export interface Box {
  readonly frame: FlameFrame;
  /** Left edge and width, as shares of the whole. */
  readonly x: number;
  readonly width: number;
  /** 0 for the whole. */
  readonly depth: number;
}

/** Boxes below this share of the whole are left out: thinner than a pixel even when zoomed tenfold. */
const THINNEST = 1e-4;

/** At least one box, the whole, which comes first. */
export function layOut(tree: FlameFrame): Box[] {
  const whole = tree.us;
  const boxes: Box[] = [];
  const place = (frame: FlameFrame, left: number, depth: number) => {
    const width = depth === 0 ? 1 : frame.us / whole;
    if (!(width >= THINNEST)) return;
    boxes.push({ frame, x: left, width, depth });
    let x = left;
    for (const child of frame.children) {
      place(child, x, depth + 1);
      x += child.us / whole;
    }
  };
  place(tree, 0, 0);
  return boxes;
}

/** The index of the next box one way (1 or -1) that has the same parent; null where there is none. */
export function siblingOf(boxes: readonly Box[], index: number, way: 1 | -1): number | null {
  const depth = boxes[index]?.depth ?? 0;
  let at = index + way;
  while ((boxes[at]?.depth ?? -1) > depth) at += way;
  return boxes[at]?.depth === depth ? at : null;
}

export function parentOf(boxes: readonly Box[], index: number): number | null {
  const depth = boxes[index]?.depth ?? 0;
  const at = boxes.findLastIndex((box, other) => other < index && box.depth < depth);
  return at < 0 ? null : at;
}

/** The first one inside, which is the slowest. */
export function childOf(boxes: readonly Box[], index: number): number | null {
  const depth = boxes[index]?.depth ?? 0;
  return (boxes[index + 1]?.depth ?? -1) > depth ? index + 1 : null;
}

/** Of the width shown: a box narrower than this asks for no row of its own. */
const SEEN = 0.002;

/** How many rows the boxes need that can be seen when this one is zoomed to the full width. */
export function rowsFor(boxes: readonly Box[], zoomed: Box): number {
  const right = zoomed.x + zoomed.width;
  const seen = boxes.filter(
    ({ x, width }) => Math.min(x + width, right) - Math.max(x, zoomed.x) > SEEN * zoomed.width,
  );
  return 1 + seen.reduce((deepest, { depth }) => Math.max(deepest, depth), 0);
}
