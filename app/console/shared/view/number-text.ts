/**
 * Numbers as people read them. One place, so that the same figure looks the same in a card, a table
 * and a tooltip. A figure that is missing, or that JSON could not hold, reads as a dash.
 *
 * Bytes are decimal (1 MB = 1,000,000 bytes); relative errors and shares are shown in per cent;
 * differences of accuracy in points. Signs are U+2212, spaces before units do not break.
 */

/** What a figure is at run time: JSON turns NaN and infinities into null. */
export type Figure = number | null | undefined;

export const MISSING = "–";
const SPACE = "\u00a0";
const MINUS = "\u2212";

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

export function isFigure(value: Figure): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Fixed decimals, grouped thousands, a true minus sign, and never "−0.0". */
export function fixedText(value: Figure, decimals: number): string {
  if (!isFigure(value)) return MISSING;
  const digits = Math.abs(value).toFixed(decimals);
  const [whole = "0", fraction] = digits.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  const sign = value < 0 && Number(digits) !== 0 ? MINUS : "";
  return `${sign}${grouped}${fraction === undefined ? "" : `.${fraction}`}`;
}

/** About `digits` significant digits; powers of ten only where plain digits would not be read. */
export function figureText(value: Figure, digits = 3): string {
  if (!isFigure(value)) return MISSING;
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
  if (exponent < -4 || exponent > 6) return value.toExponential(digits - 1).replaceAll("-", MINUS);
  return fixedText(value, Math.max(0, digits - 1 - exponent));
}

export function countText(value: Figure): string {
  return fixedText(value, 0);
}

/** "23.7 MB" */
export function bytesText(bytes: Figure): string {
  if (!isFigure(bytes)) return MISSING;
  let unit = 0;
  let scaled = bytes;
  while (Math.abs(scaled) >= 999.5 && unit < BYTE_UNITS.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${fixedText(scaled, unit === 0 || Math.abs(scaled) >= 99.95 ? 0 : 1)}${SPACE}${BYTE_UNITS[unit]}`;
}

/** "12.4 ms" */
export function millisecondsText(value: Figure): string {
  if (!isFigure(value)) return MISSING;
  const decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${fixedText(value, decimals)}${SPACE}ms`;
}

/** A fraction as "97.5 %". */
export function percentText(fraction: Figure, decimals = 1): string {
  return isFigure(fraction) ? `${fixedText(fraction * 100, decimals)}${SPACE}%` : MISSING;
}

/** A relative error as per cent with two significant digits: "0.042 %", "1.2 %", "340 %". */
export function errorText(relative: Figure): string {
  return isFigure(relative) ? `${figureText(relative * 100, 2)}${SPACE}%` : MISSING;
}

/** How many decimals a group of point differences needs so that none that matters reads as zero. */
export function pointDecimals(...fractions: readonly Figure[]): number {
  const largest = Math.max(...fractions.map((fraction) => Math.abs(fraction ?? 0) * 100));
  return largest > 0 && largest < 0.2 ? 2 : 1;
}

/** A difference of fractions in points with its sign: "−0.4", "+1.2", "0.0". */
export function pointsText(difference: Figure, decimals = 1): string {
  const text = fixedText(isFigure(difference) ? difference * 100 : difference, decimals);
  const positive = isFigure(difference) && /[1-9]/.test(text) && difference > 0;
  return positive ? `+${text}` : text;
}

/** A change of a count with its sign. */
export function changeText(change: number): string {
  return change > 0 ? `+${countText(change)}` : countText(change);
}

/** A factor: "8.6", "32". */
export function factorText(factor: Figure): string {
  return fixedText(factor, isFigure(factor) && factor >= 19.95 ? 0 : 1);
}

/** A round number of an axis: "0.2", "−5". */
export function tickText(value: number): string {
  return String(Number(value.toPrecision(3))).replace("-", MINUS);
}

/** "1 image", "12 images" */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}
