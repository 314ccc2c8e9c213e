/** A time after the beginning of a trace. */
import { fixedText, millisecondsText } from "../../../shared/view/number-text.ts";

/** @param ms milliseconds */
export function sinceText(ms: number): string {
  if (ms < 1000) return ms < 1 ? "0 ms" : millisecondsText(ms);
  return `${fixedText(ms / 1000, ms < 10_000 ? 2 : 1)} s`;
}
