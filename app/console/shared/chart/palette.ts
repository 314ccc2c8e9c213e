/**
 * Colours for canvases, read from the style sheet so that charts and text share one palette in light,
 * dark and print. Every pair is told apart by lightness too: no meaning hangs on hue alone.
 */
export interface Palette {
  readonly ink: string;
  readonly muted: string;
  readonly line: string;
  readonly card: string;
  readonly original: string;
  readonly compressed: string;
  readonly missing: string;
  readonly font: string;
  /** Small error to large, evenly spaced; lightness changes in one direction only. */
  readonly errors: readonly string[];
}

const ERROR_STOPS = 8;

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: colour("ink"),
    muted: colour("muted"),
    line: colour("line"),
    card: colour("card"),
    original: colour("original"),
    compressed: colour("compressed"),
    missing: colour("missing"),
    font: colour("font"),
    errors: Array.from({ length: ERROR_STOPS }, (_, stop) => colour(`error-${stop}`)),
  };
}

/** The colour at `position` (0 to 1) of evenly spaced `#rrggbb` stops. */
export function colourAt(stops: readonly string[], position: number): string {
  const place = Math.max(0, Math.min(1, position)) * (stops.length - 1);
  const lower = Math.min(Math.floor(place), stops.length - 2);
  const from = channelsOf(stops[lower]);
  const to = channelsOf(stops[lower + 1]);
  const mixed = from.map((value, i) => Math.round(value + ((to[i] ?? value) - value) * (place - lower)));
  return `rgb(${mixed.join(",")})`;
}

function channelsOf(hex = "#000000"): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}
