/**
 * One image of the inspection set: a board seen by a camera, with a defect or without.
 *
 * The camera adds what a classifier must learn to ignore: position, rotation, brightness and its fall-off,
 * blur, sensor noise, the grain of the laminate, dust.
 */
import type { Random } from "@cupel/base";
import { type Board, between, drawBoard } from "./board.ts";
import { DEFECTS, type DefectClass, INSPECTION_CLASSES } from "./defects.ts";
import { placed, type Shape } from "./shapes.ts";

/** Images are square, `[64, 64]` grey. */
export const CROP_SIDE = 64;

/** How far the site of the defect may lie from the centre, in pixels. */
const MAX_JITTER = 7;

const DEFECT_CLASSES = Object.keys(DEFECTS).filter((name): name is DefectClass =>
  Object.hasOwn(DEFECTS, name),
);

/** @param label 0 (ok) to 6. */
export function drawCrop(random: Random, label: number): Uint8Array {
  const drawn = INSPECTION_CLASSES[label] ?? "ok";
  // A sound board is one on which any of the defects might have been: the surroundings do not show the class.
  const site = drawn === "ok" ? DEFECT_CLASSES[random.integer(DEFECT_CLASSES.length)]! : drawn;
  const defect = DEFECTS[site];
  const board = drawBoard(random, defect.needs);
  const traces = drawn === "ok" ? board.traces : defect.spoil(random, board);
  return photograph(random, { ...board, traces }, defect.site(board));
}

function photograph(random: Random, board: Board, site: number): Uint8Array {
  const angle = random.integer(8) * (Math.PI / 4) + random.normal() * 0.06;
  const jitter = (): number => Math.max(-MAX_JITTER, Math.min(MAX_JITTER, random.normal() * 3));
  // The origin of the board goes where its site comes to lie at the centre plus jitter.
  const cx = CROP_SIDE / 2 + Math.sin(angle) * site + jitter();
  const cy = CROP_SIDE / 2 - Math.cos(angle) * site + jitter();
  const at = (shape: Shape): Shape => placed(shape, angle, cx, cy);
  const [traces, pads, holes] = [at(board.traces), at(board.pads), at(board.holes)];

  const laminate = between(random, [45, 95]);
  const lacquered = laminate + between(random, [42, 75]);
  const bare = Math.min(235, lacquered + between(random, [15, 55]));
  const drilled = between(random, [12, 40]);
  const edge = between(random, [0.7, 1.5]);
  const noise = between(random, [3, 10]);
  const grain = grainOf(random, between(random, [2, 9]));
  const light = lightOf(random);
  const dust = dustOf(random);

  const pixels = new Uint8Array(CROP_SIDE * CROP_SIDE);
  for (let y = 0, i = 0; y < CROP_SIDE; y++) {
    for (let x = 0; x < CROP_SIDE; x++, i++) {
      const toTrace = traces(x, y);
      const toPad = pads(x, y);
      let level = laminate + (lacquered - laminate) * coverage(toTrace, edge);
      level += (bare - level) * coverage(toPad, edge);
      level += (drilled - level) * coverage(holes(x, y), edge);
      // Lacquer pools along the rim of the copper and darkens it a little.
      const rim = Math.min(toTrace, toPad);
      if (rim > 0 && rim < 2.5) level -= 5 * (1 - rim / 2.5);
      level = (level + grain(x, y) + dust(x, y)) * light(x, y) + noise * random.normal();
      pixels[i] = level < 0 ? 0 : level > 255 ? 255 : Math.round(level);
    }
  }
  return pixels;
}

/** 1 inside, 0 outside, with a smooth ramp of `edge` pixels to either side: the blur of the lens. */
function coverage(distance: number, edge: number): number {
  if (distance >= edge) return 0;
  if (distance <= -edge) return 1;
  const t = 0.5 - distance / (2 * edge);
  return t * t * (3 - 2 * t);
}

type Field = (x: number, y: number) => number;

/** Uneven light: a slope in a random direction around a random brightness. */
function lightOf(random: Random): Field {
  const brightness = between(random, [0.8, 1.15]);
  const direction = 2 * Math.PI * random.uniform();
  const slope = between(random, [0, 0.3]) / CROP_SIDE;
  const [dx, dy] = [Math.cos(direction) * slope, Math.sin(direction) * slope];
  const middle = CROP_SIDE / 2;
  return (x, y) => brightness + (x - middle) * dx + (y - middle) * dy;
}

/** The weave of the laminate: two crossed waves with a wandering phase. */
function grainOf(random: Random, height: number): Field {
  const angle = Math.PI * random.uniform();
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const pitch = between(random, [0.5, 1.1]);
  const [p, q] = [6 * random.uniform(), 6 * random.uniform()];
  return (x, y) => {
    const a = cos * x + sin * y;
    const b = cos * y - sin * x;
    return height * 0.5 * (Math.sin(a * pitch + p + Math.sin(b * 0.13)) * Math.sin(b * pitch * 0.8 + q));
  };
}

/** Up to three faint specks anywhere, bright or dark: fainter than a defect, but of its size. */
function dustOf(random: Random): Field {
  const specks = Array.from({ length: random.integer(4) }, () => ({
    x: CROP_SIDE * random.uniform(),
    y: CROP_SIDE * random.uniform(),
    radius: between(random, [0.8, 1.6]),
    height: between(random, [12, 26]) * (random.uniform() < 0.5 ? -1 : 1),
  }));
  return (x, y) => {
    let sum = 0;
    for (const speck of specks) {
      const squared = ((x - speck.x) ** 2 + (y - speck.y) ** 2) / speck.radius ** 2;
      if (squared < 9) sum += speck.height * Math.exp(-squared);
    }
    return sum;
  };
}
