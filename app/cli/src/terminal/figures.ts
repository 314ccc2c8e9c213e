/** Figures as people read them: three digits where three digits mean something, units always. */
import { type Proportion, threeDigits } from "@cupel/base";

/** A fraction as a percentage. */
export function percentText(fraction: number, digits = 2): string {
  return `${(fraction * 100).toFixed(digits)} %`;
}

/** "98.90 % of 1,000 images, 95 % interval 98.03 to 99.39". */
export function shareText({ value, of, low, high }: Proportion): string {
  return `${percentText(value)} of ${numberOf(of, "image")}, 95 % interval ${(low * 100).toFixed(2)} to ${(high * 100).toFixed(2)}`;
}

/** A difference of fractions as percentage points, with its sign. */
export function pointsText(difference: number): string {
  const points = (difference * 100).toFixed(2);
  return Number(points) === 0 ? "0.00" : difference > 0 ? `+${points}` : points;
}

export function millisecondsText(ms: number): string {
  return ms < 1 ? `${(ms * 1000).toFixed(0)} us` : `${threeDigits(ms)} ms`;
}

/** From a tenth of a second to hours. */
export function durationText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 === 0 ? `${minutes} min` : `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 1234567 as "1,234,567". */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** Large counts in words of three digits: "1.23 G". */
export function magnitudeText(count: number): string {
  const [unit, size] = count < 1e6 ? ["", 1] : count < 1e9 ? [" M", 1e6] : [" G", 1e9];
  return size === 1 ? countText(count) : `${threeDigits(count / Number(size))}${unit}`;
}

export function ratioText(ratio: number): string {
  return `${threeDigits(ratio)}x`;
}

/** "1 image", "3 images". */
export function numberOf(count: number, singular: string): string {
  return `${countText(count)} ${singular}${count === 1 ? "" : "s"}`;
}
