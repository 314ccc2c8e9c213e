/**
 * A piece of a sound circuit board: parallel traces with bends, pads, vias and copper pours.
 *
 * Coordinates are local: u runs along the traces, v across them, the anchor trace lies on v = 0 and is
 * straight and bare for |u| < QUIET, so that there is room for a defect. The neighbour on the side +v runs
 * straight there too. What a class of defect needs is the same for every class that is drawn, sound boards
 * included, so that only the defect shows the class.
 */
import type { Random } from "@cupel/base";
import { box, capsule, disc, type Shape, union } from "./shapes.ts";

/** Half the length of the anchor trace on which nothing but the defect happens, in pixels. */
const QUIET = 11;

/** Beyond the corners of an image, whatever the rotation and shift. */
const FAR = 70;

export interface Board {
  /** Width of the anchor trace. */
  readonly width: number;
  /** Bare board between the anchor trace and the neighbour on the side +v. */
  readonly gap: number;
  /** Copper under lacquer. */
  readonly traces: Shape;
  /** Bare copper, brighter. */
  readonly pads: Shape;
  /** Drilled, dark. */
  readonly holes: Shape;
}

/** What the site of a defect requires of the board around it: ranges in pixels. */
export interface BoardNeeds {
  readonly width: readonly [number, number];
  readonly gap: readonly [number, number];
}

export const between = (random: Random, [low, high]: readonly [number, number]): number =>
  low + (high - low) * random.uniform();

export function drawBoard(random: Random, needs: BoardNeeds): Board {
  const width = between(random, needs.width);
  const gap = between(random, needs.gap);
  const traces: Shape[] = [];
  const pads: Shape[] = [];
  const holes: Shape[] = [];
  const parts: Parts = { traces, pads, holes };

  drawTrace(random, parts, 0, width, QUIET);
  for (const side of [1, -1]) {
    let edge = width / 2;
    for (let neighbour = 0; edge < 46; neighbour++) {
      const space = neighbour === 0 && side === 1 ? gap : between(random, [5, 12]);
      if (neighbour > 0 && random.uniform() < 0.15) {
        // A pour: copper over the whole rest of this side.
        const from = edge + space;
        traces.push(box(0, side * (from + FAR), FAR, FAR));
        drillRow(random, parts, side * (from + between(random, [7, 12])));
        break;
      }
      const own = between(random, [3.5, 10]);
      const quiet = neighbour === 0 && side === 1 ? QUIET : 0;
      drawTrace(random, parts, side * (edge + space + own / 2), own, quiet);
      edge += space + own;
    }
  }
  return {
    width,
    gap,
    traces: union(traces),
    pads: union(pads),
    holes: union(holes),
  };
}

interface Parts {
  readonly traces: Shape[];
  readonly pads: Shape[];
  readonly holes: Shape[];
}

/** One trace along u at `v`: each half goes straight on, bends away by 45 degrees, or ends in a pad. */
function drawTrace(random: Random, parts: Parts, v: number, width: number, quiet: number): void {
  const radius = width / 2;
  for (const half of [1, -1]) {
    const turn = half * (quiet + between(random, [2, 22]));
    const fate = random.uniform();
    if (fate < 0.5) {
      parts.traces.push(capsule(0, v, half * FAR, v, radius));
    } else if (fate < 0.72) {
      const away = v === 0 ? (random.uniform() < 0.5 ? 1 : -1) : Math.sign(v);
      parts.traces.push(capsule(0, v, turn, v, radius));
      parts.traces.push(capsule(turn, v, turn + half * FAR, v + away * FAR, radius));
    } else {
      const end = turn + half * 3;
      parts.traces.push(capsule(0, v, end, v, radius));
      drawPad(random, parts, end, v, radius + between(random, [1.5, 3.5]));
      if (random.uniform() < 0.3) parts.traces.push(capsule(end, v, half * FAR, v, radius));
    }
  }
}

/** Round, square or drilled. */
function drawPad(random: Random, parts: Parts, u: number, v: number, radius: number): void {
  const square = random.uniform() < 0.3;
  parts.pads.push(square ? box(u, v, radius, radius * 0.85) : disc(u, v, radius));
  if (!square && random.uniform() < 0.6) parts.holes.push(disc(u, v, radius * between(random, [0.35, 0.55])));
}

/** Vias stitched along a pour. */
function drillRow(random: Random, parts: Parts, v: number): void {
  const pitch = between(random, [10, 18]);
  const start = between(random, [0, pitch]);
  for (let u = start - 48; u < 48; u += pitch) {
    const via = disc(u, v, between(random, [2.6, 3.2]));
    parts.pads.push(via);
    parts.holes.push(disc(u, v, between(random, [1.1, 1.5])));
  }
}
