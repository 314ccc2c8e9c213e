/**
 * Outlines as signed distances: negative inside, positive outside, in pixels. Union is the minimum,
 * cutting out is the maximum with the negative, and an anti-aliased or blurred edge is a ramp over the
 * distance: a scene of a dozen shapes draws in a millisecond without supersampling.
 *
 * Formulas after Inigo Quilez, https://iquilezles.org/articles/distfunctions2d/
 */

export type Shape = (x: number, y: number) => number;

/** A line of round ends: half the width is the radius. */
export function capsule(ax: number, ay: number, bx: number, by: number, radius: number): Shape {
  const dx = bx - ax;
  const dy = by - ay;
  const squared = dx * dx + dy * dy || 1;
  return (x, y) => {
    const t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / squared));
    const ex = x - ax - t * dx;
    const ey = y - ay - t * dy;
    return Math.sqrt(ex * ex + ey * ey) - radius;
  };
}

export function disc(cx: number, cy: number, radius: number): Shape {
  return (x, y) => Math.sqrt((x - cx) ** 2 + (y - cy) ** 2) - radius;
}

export function box(cx: number, cy: number, halfWidth: number, halfHeight: number): Shape {
  return (x, y) => {
    const ex = Math.abs(x - cx) - halfWidth;
    const ey = Math.abs(y - cy) - halfHeight;
    return Math.sqrt(Math.max(ex, 0) ** 2 + Math.max(ey, 0) ** 2) + Math.min(Math.max(ex, ey), 0);
  };
}

/** How an outline departs from a circle: relative height and phase of its second, third and fifth harmonic. */
export interface Ripple {
  readonly heights: readonly [number, number, number];
  readonly phases: readonly [number, number, number];
}

/** A disc with an uneven outline, `stretch` times longer along x: what etching leaves behind. */
export function blob(cx: number, cy: number, radius: number, stretch: number, ripple: Ripple): Shape {
  const [h2, h3, h5] = ripple.heights;
  const [p2, p3, p5] = ripple.phases;
  return (x, y) => {
    const ex = (x - cx) / stretch;
    const ey = y - cy;
    const distance = Math.sqrt(ex * ex + ey * ey);
    if (distance > 3 * radius) return distance - radius;
    const angle = Math.atan2(ey, ex);
    const height =
      h2 * Math.cos(2 * angle + p2) + h3 * Math.cos(3 * angle + p3) + h5 * Math.cos(5 * angle + p5);
    return distance - radius * (1 + height);
  };
}

/** Distances are computed up to this, in pixels: no ramp in an image is longer. */
const REACH = 4;

const CELL = 6;

/** A blob's distance may change faster than the way walked, up to about twice. */
const CELL_RADIUS = CELL * Math.SQRT1_2 * 2;

/**
 * All shapes together; `REACH` where none is near. Only the shapes near a cell of the plane are asked
 * about points in it: of the dozens on a board that is three or four.
 */
export function union(shapes: readonly Shape[]): Shape {
  const near = new Map<number, readonly Shape[]>();
  return (x, y) => {
    const column = Math.floor(x / CELL);
    const row = Math.floor(y / CELL);
    const key = row * 0x10000 + column;
    let candidates = near.get(key);
    if (candidates === undefined) {
      const [cx, cy] = [(column + 0.5) * CELL, (row + 0.5) * CELL];
      candidates = shapes.filter((shape) => shape(cx, cy) < CELL_RADIUS + REACH);
      near.set(key, candidates);
    }
    let distance = REACH;
    for (let i = 0; i < candidates.length; i++) {
      const other = candidates[i]!(x, y);
      if (other < distance) distance = other;
    }
    return distance;
  };
}

export function cut(from: Shape, hole: Shape): Shape {
  return (x, y) => Math.max(from(x, y), -hole(x, y));
}

/** The shape turned by `angle` (radians) and then moved so that its origin lies at (cx, cy). */
export function placed(shape: Shape, angle: number, cx: number, cy: number): Shape {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  return (x, y) => {
    const dx = x - cx;
    const dy = y - cy;
    return shape(cos * dx + sin * dy, cos * dy - sin * dx);
  };
}
