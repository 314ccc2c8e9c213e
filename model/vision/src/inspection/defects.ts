/**
 * The defects of etched boards, one row a class: where on the board it sits, what room it needs, and how
 * it changes the copper. The six are those of DeepPCB (Tang et al. 2019, arXiv:1902.06197).
 */
import type { Random } from "@cupel/base";
import { type Board, type BoardNeeds, between } from "./board.ts";
import { blob, capsule, cut, type Ripple, type Shape, union } from "./shapes.ts";

/** The classes in the order of their labels. */
export const INSPECTION_CLASSES = [
  "ok",
  "open",
  "short",
  "mousebite",
  "spur",
  "spurious-copper",
  "pin-hole",
] as const;

export type DefectClass = Exclude<(typeof INSPECTION_CLASSES)[number], "ok">;

export interface Defect {
  readonly needs: BoardNeeds;
  /** Across the traces, from the middle of the anchor trace: this place comes to lie near the centre. */
  site(board: Board): number;
  /** The copper of the traces with the defect in it. */
  spoil(random: Random, board: Board): Shape;
}

const ANY_WIDTH = [5, 10] as const;
const ANY_GAP = [6, 12] as const;

function ripple(random: Random): Ripple {
  const phase = (): number => 2 * Math.PI * random.uniform();
  return {
    heights: [between(random, [0, 0.25]), between(random, [0, 0.2]), between(random, [0, 0.12])],
    phases: [phase(), phase(), phase()],
  };
}

export const DEFECTS: Readonly<Record<DefectClass, Defect>> = {
  open: {
    needs: { width: ANY_WIDTH, gap: ANY_GAP },
    site: () => 0,
    spoil(random, board) {
      // A cut across the whole trace, its two sides uneven on their own.
      const half = between(random, [1.6, 3.6]);
      const lean = between(random, [-0.5, 0.5]);
      const waves = [between(random, [-0.9, 0.9]), between(random, [-0.9, 0.9])] as const;
      const reach = board.width / 2 + 1.5;
      const gap: Shape = (u, v) => {
        const along = u - lean * v;
        const wave = (along > 0 ? waves[0] : waves[1]) * Math.cos((v / board.width) * 5);
        return Math.max(Math.abs(along) - half - wave, Math.abs(v) - reach);
      };
      return cut(board.traces, gap);
    },
  },
  short: {
    needs: { width: ANY_WIDTH, gap: [5, 10] },
    site: (board) => (board.width + board.gap) / 2,
    spoil(random, board) {
      const from = board.width / 2 - 1;
      const to = board.width / 2 + board.gap + 1;
      const slant = between(random, [-2.5, 2.5]);
      const bridge = capsule(0, from, slant, to, between(random, [0.9, 2.4]));
      const lump = blob(
        slant / 2,
        (from + to) / 2 + between(random, [-1.5, 1.5]),
        between(random, [1.2, 2.6]),
        between(random, [0.8, 1.5]),
        ripple(random),
      );
      return union([board.traces, bridge, lump]);
    },
  },
  mousebite: {
    needs: { width: [6, 10], gap: ANY_GAP },
    site: (board) => board.width / 2,
    spoil(random, board) {
      const depth = board.width * between(random, [0.32, 0.62]);
      const radius = depth * between(random, [0.75, 1.15]);
      const bite = blob(
        0,
        board.width / 2 + radius - depth,
        radius,
        between(random, [0.8, 1.4]),
        ripple(random),
      );
      return cut(board.traces, bite);
    },
  },
  spur: {
    needs: { width: ANY_WIDTH, gap: [8, 13] },
    site: (board) => board.width / 2 + 1,
    spoil(random, board) {
      const length = Math.min(board.gap - 2.8, between(random, [3, 6.5]));
      const base = board.width / 2;
      const slant = between(random, [-1.5, 1.5]);
      const root = blob(0, base, between(random, [1.4, 2.6]), between(random, [0.9, 1.5]), ripple(random));
      const radius = between(random, [0.9, 1.7]);
      return union([board.traces, root, capsule(0, base, slant, base + length - radius, radius)]);
    },
  },
  "spurious-copper": {
    needs: { width: ANY_WIDTH, gap: [9, 15] },
    site: (board) => (board.width + board.gap) / 2,
    spoil(random, board) {
      // At least 1.6 pixels of bare board on both sides, ripple included.
      const radius = Math.min(between(random, [1.5, 3.4]), (board.gap / 2 - 1.6) / 1.3);
      const slack = Math.max(0, board.gap / 2 - 1.6 - 1.3 * radius);
      const v = (board.width + board.gap) / 2 + between(random, [-slack, slack]);
      return union([board.traces, blob(0, v, radius, between(random, [0.9, 1.9]), ripple(random))]);
    },
  },
  "pin-hole": {
    needs: { width: [7.5, 12], gap: ANY_GAP },
    site: () => 0,
    spoil(random, board) {
      // At least 1.7 pixels of copper on both sides, ripple included.
      const radius = Math.min(between(random, [1.2, 2.3]), (board.width / 2 - 1.7) / 1.15);
      const slack = Math.max(0, board.width / 2 - 1.7 - 1.3 * radius);
      const hole = blob(
        0,
        between(random, [-slack, slack]),
        radius,
        between(random, [0.85, 1.3]),
        ripple(random),
      );
      return cut(board.traces, hole);
    },
  },
};
