/** Which boxes hold some words, and how much of the time they are. */
import type { Box } from "./boxes.ts";

export interface Found {
  /** Indices of boxes. */
  readonly hits: ReadonlySet<number>;
  /** Of the whole, 0 to 1. A hit inside another hit is not added again. */
  readonly share: number;
}

/** Every word must occur in the name or the note of a frame; case does not matter. Null for no words. */
export function searchBoxes(boxes: readonly Box[], text: string): Found | null {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return null;
  const hits = new Set<number>();
  let share = 0;
  /** Depth of the outermost hit that the walk is inside of. */
  let inside = Number.POSITIVE_INFINITY;
  for (const [index, { frame, width, depth }] of boxes.entries()) {
    if (depth <= inside) inside = Number.POSITIVE_INFINITY;
    const held = `${frame.name} ${frame.note}`.toLowerCase();
    if (!words.every((word) => held.includes(word))) continue;
    hits.add(index);
    if (inside !== Number.POSITIVE_INFINITY) continue;
    share += width;
    inside = depth;
  }
  return { hits, share };
}

/** "2 boxes, 21.4 % of the time" */
export function foundText(found: Found | null): string {
  if (found === null) return "";
  const { size } = found.hits;
  if (size === 0) return "No box has these words";
  return `${size} ${size === 1 ? "box" : "boxes"}, ${(100 * found.share).toFixed(1)} % of the time`;
}
