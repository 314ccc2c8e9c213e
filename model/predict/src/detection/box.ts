/** A box around a thing in an image, and how much two boxes have in common. */

/** Edges in pixels, x to the right and y down. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export function areaOf({ left, top, right, bottom }: Box): number {
  return Math.max(0, right - left) * Math.max(0, bottom - top);
}

export function intersectionOf(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

/** 0 to 1: the area that both cover over the area that either covers; 0 of boxes without area. */
export function intersectionOverUnion(a: Box, b: Box): number {
  const shared = intersectionOf(a, b);
  return shared === 0 ? 0 : shared / (areaOf(a) + areaOf(b) - shared);
}
